/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sockops: counts the connections that are established actively. */
#include "corpus.h"

__u64 hits;

SEC("sockops")
int on_socket(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		__sync_fetch_and_add(&hits, 1);
	return 1;
}
