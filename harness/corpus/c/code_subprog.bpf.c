/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Static functions that call each other; two programs share them. */
#include "corpus.h"

static __noinline int leaf(__u64 value)
{
	return bpf_get_smp_processor_id() + (int)value;
}

static __noinline int middle(__u64 value)
{
	return leaf(value) + leaf(value + 1);
}

SEC("raw_tp/sys_enter")
int first(void *ctx)
{
	return middle(1) + leaf(2);
}

SEC("raw_tp/sys_exit")
int second(void *ctx)
{
	return leaf(3) + middle(4);
}
