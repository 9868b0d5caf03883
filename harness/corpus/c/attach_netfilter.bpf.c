/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netfilter: counts the packets of the tests' length. */
#include "corpus.h"

__u64 hits;

struct sk_buff {
	unsigned int len;
} CORE;

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

SEC("netfilter")
int on_packet(struct bpf_nf_ctx *ctx)
{
	/* IP and UDP header, and 101 bytes. */
	if (ctx->skb->len == 129)
		__sync_fetch_and_add(&hits, 1);
	return 1; /* NF_ACCEPT */
}
