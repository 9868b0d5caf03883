/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Static functions and variables that have the names of other objects' ones. */
#include "corpus.h"

static volatile __u64 counted = 5;
static volatile __u64 zero;

static __noinline int leaf(__u64 value)
{
	return bpf_get_prandom_u32() - (int)value;
}

static __noinline int middle(__u64 value)
{
	return leaf(value) - leaf(value + 3);
}

static long up(__u32 index, __u64 *sum)
{
	*sum += middle(index);
	return 0;
}

SEC("raw_tp/sys_enter")
int same_names(void *ctx)
{
	__u64 sum = 0;

	bpf_loop(5, up, &sum, 0);
	zero += counted;
	return middle(7) + leaf((int)sum);
}
