/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions that are met in another order than they are written. */
#include "corpus.h"

static __noinline int d(int value);
static __noinline int a(int value)
{
	return bpf_get_smp_processor_id() + value;
}

static __noinline int b(int value)
{
	return d(value) - a(value);
}

static __noinline int c(int value)
{
	return a(value) * b(value);
}

static __noinline int d(int value)
{
	return bpf_ktime_get_ns() + value;
}

SEC("raw_tp/sys_enter")
int cba(void *ctx)
{
	return c(1) + b(2) + a(3);
}

SEC("raw_tp/sys_enter")
int dca(void *ctx)
{
	return d(1) + c(2) + a(3);
}
