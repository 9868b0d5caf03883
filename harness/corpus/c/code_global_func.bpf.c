/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Global functions, which the verifier checks by themselves. */
#include "corpus.h"

__noinline int twice(int value)
{
	return value * 2 + bpf_get_smp_processor_id();
}

__noinline int read_it(int *value)
{
	if (!value)
		return 0;
	return *value + twice(*value);
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	int value = skb->len;

	return read_it(&value) + twice(2);
}
