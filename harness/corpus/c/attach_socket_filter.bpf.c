/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* socket: counts what one socket receives. */
#include "corpus.h"

__u64 hits;

SEC("socket")
int on_packet(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&hits, 1);
	return skb->len;
}
