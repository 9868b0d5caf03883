/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fentry of a function of another program: counts its calls. */
#include "corpus.h"

__u64 hits;

SEC("fentry/replaced")
int BPF_PROG(on_replaced, void *skb)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
