/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sk_reuseport: counts the choices among the sockets of a port. */
#include "corpus.h"

__u64 hits;

SEC("sk_reuseport")
int on_choice(struct sk_reuseport_md *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return SK_PASS;
}
