/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* xdp: counts the packets to the tests' port. */
#include "corpus.h"
#include "packet.h"

__u64 hits;

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	if (is_test_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		__sync_fetch_and_add(&hits, 1);
	return XDP_PASS;
}
