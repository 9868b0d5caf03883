/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* freplace: counts the calls of the function whose place it takes. */
#include "corpus.h"

__u64 hits;

SEC("freplace/replaced")
int replaces(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&hits, 1);
	return 5;
}
