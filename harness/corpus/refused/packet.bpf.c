/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a packet without asking how long it is. */
#include "../c/corpus.h"

SEC("xdp")
int unchecked_packet(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	return data[0] == 4 ? XDP_DROP : XDP_PASS;
}
