/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* lwt_xmit: what a route does to a packet; routes are not the loader's. */
#include "corpus.h"

__u64 hits;

SEC("lwt_xmit")
int on_xmit(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
