/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* action: what a filter of traffic control does. */
#include "corpus.h"
#include "packet.h"
#include <linux/pkt_cls.h>

__u64 hits;

SEC("action")
int on_packet(struct __sk_buff *skb)
{
	if (is_test_packet((void *)(long)skb->data, (void *)(long)skb->data_end))
		__sync_fetch_and_add(&hits, 1);
	return TC_ACT_OK;
}
