/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* map_extra: a bloom filter with three hashes. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(map_extra, 3);
	__uint(max_entries, 64);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int push(void *ctx)
{
	__u64 value = 1;

	if (bpf_map_peek_elem(&a_map, &value))
		bpf_map_push_elem(&a_map, &value, BPF_ANY);
	return 0;
}
