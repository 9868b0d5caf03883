/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map that no kernel creates: the key of an array has four bytes. */
#include "../c/corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__uint(key_size, 8);
	__uint(value_size, 8);
} wide SEC(".maps");

SEC("raw_tp/sys_enter")
int looks(void *ctx)
{
	__u64 key = 0;

	return bpf_map_lookup_elem(&wide, &key) != 0;
}
