/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A bloom filter, which came with Linux 5.16. */
#include "../c/corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 16);
	__type(value, __u32);
} seen SEC(".maps");

SEC("raw_tp/sys_enter")
int looks(void *ctx)
{
	__u32 value = 7;

	return bpf_map_peek_elem(&seen, &value) == 0;
}
