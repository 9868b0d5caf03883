/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program whose function others replace or watch. */
#include "corpus.h"

__noinline int replaced(struct __sk_buff *skb)
{
	/* Not to be known when the program is verified. */
	int length = skb->len;

	asm volatile("" : "+r"(length));
	return length ? 1 : 2;
}

SEC("tc")
int is_run(struct __sk_buff *skb)
{
	return replaced(skb);
}
