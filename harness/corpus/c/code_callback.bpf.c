/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A callback for each element of a map. Kernel: 5.13 */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

__u64 hits;
__u64 total;

static __u64 add(void *map, __u32 *key, __u64 *value, __u64 *sum)
{
	*sum += *value;
	return 0;
}

SEC("raw_tp/sys_enter")
int sum_up(void *ctx)
{
	__u64 sum = 0;

	bpf_for_each_map_elem(&values, add, &sum, 0);
	total = sum;
	hits++;
	return (int)sum;
}
