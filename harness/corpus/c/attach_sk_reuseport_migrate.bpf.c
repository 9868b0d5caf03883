/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sk_reuseport/migrate: also chooses for connections that lose their socket;
 * before 5.14 the kernel takes it for one that only chooses. */
#include "corpus.h"

__u64 hits;

SEC("sk_reuseport/migrate")
int on_choice(struct sk_reuseport_md *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return SK_PASS;
}
