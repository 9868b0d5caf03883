/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hidden functions, which become static ones for the kernel. */
#include "corpus.h"

__hidden __noinline int quiet(int *value)
{
	return *value + bpf_get_smp_processor_id();
}

__noinline int loud(int value)
{
	return quiet(&value);
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	int value = skb->mark;

	return quiet(&value) + loud(value);
}
