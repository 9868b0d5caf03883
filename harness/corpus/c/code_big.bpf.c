/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program whose jumps and calls are far apart. */
#include "corpus.h"

__u64 sink;

static __noinline void step(__u64 value)
{
	sink += value;
}

#define X4(x) x x x x
#define X64(x) X4(X4(X4(x)))

SEC("raw_tp/sys_enter")
int far(void *ctx)
{
	__u64 value = bpf_get_smp_processor_id();

	if (value == 77)
		goto out;
	X64(step(value); value = value * 3 + 1; sink ^= value;)
out:
	step(value);
	return 0;
}
