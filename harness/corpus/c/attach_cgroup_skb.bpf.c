/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup_skb: counts the packets that sockets of a cgroup send. */
#include "corpus.h"

__u64 hits;

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
