/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tcx: three programs whose order shows, each a digit of the base 8. */
#include "corpus.h"
#include "packet.h"

__u64 hits;

/* Appends a digit to what the packet has been counted as so far. */
static __always_inline int append(struct __sk_buff *skb, __u64 digit)
{
	if (is_test_packet((void *)(long)skb->data, (void *)(long)skb->data_end))
		hits = hits * 8 + digit;
	return -1; /* TCX_NEXT */
}

SEC("tcx/ingress")
int first(struct __sk_buff *skb)
{
	return append(skb, 1);
}

SEC("tcx/ingress")
int second(struct __sk_buff *skb)
{
	return append(skb, 2);
}

SEC("tcx/ingress")
int third(struct __sk_buff *skb)
{
	return append(skb, 3);
}
