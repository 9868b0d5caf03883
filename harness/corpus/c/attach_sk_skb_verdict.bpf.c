/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sk_skb/verdict: a verdict without a parser. */
#include "corpus.h"

__u64 hits;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("sk_skb/verdict")
int on_verdict(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&hits, 1);
	return SK_PASS;
}
