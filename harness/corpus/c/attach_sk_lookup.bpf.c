/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sk_lookup: counts the searches for a socket of the tests' port. */
#include "corpus.h"
#include "packet.h"

__u64 hits;

SEC("sk_lookup")
int on_lookup(struct bpf_sk_lookup *ctx)
{
	if (ctx->local_port == TEST_PORT)
		__sync_fetch_and_add(&hits, 1);
	return SK_PASS;
}
