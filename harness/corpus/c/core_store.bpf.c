/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stores whose offset is found in the kernel. */
#include "corpus.h"

struct __sk_buff___here {
	__u32 pad[9];
	__u32 cb[5];
	__u32 mark;
	__u32 priority;
	__u32 tc_index;
} CORE;

SEC("tc")
int store(struct __sk_buff___here *skb)
{
	__u32 value = skb->priority;

	skb->mark = value;
	skb->cb[1] = value;
	skb->tc_index = 7;
	return 0;
}
