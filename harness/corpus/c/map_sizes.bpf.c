/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* key_size, value_size: a hash whose key and value have no types. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 8);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int look_up(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&a_map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
