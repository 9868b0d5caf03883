/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* raw_tp.w: counts test runs, whose result it could change. */
#include "corpus.h"

__u64 hits;

SEC("raw_tp.w/bpf_test_finish")
int on_test_finish(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

SEC("socket")
int is_run(struct __sk_buff *skb)
{
	return 7;
}
