/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two callbacks of a loop, one of which calls a function. Kernel: 5.17 */
#include "corpus.h"

__u64 hits;
__u64 total;

static __noinline int helper(int value)
{
	return value + bpf_get_smp_processor_id();
}

static long up(__u32 index, __u64 *sum)
{
	*sum += helper(index);
	return 0;
}

static long down(__u32 index, __u64 *sum)
{
	*sum -= index;
	return 0;
}

SEC("raw_tp/sys_enter")
int both(void *ctx)
{
	__u64 sum = 0;

	bpf_loop(10, up, &sum, 0);
	bpf_loop(10, down, &sum, 0);
	return (int)sum;
}

SEC("raw_tp/sys_exit")
int one(void *ctx)
{
	__u64 sum = 0;

	bpf_loop(3, down, &sum, 0);
	total = sum;
	hits++;
	return helper((int)sum);
}
