/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/connect4: counts connections; a second program counts as 8. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}

SEC("?cgroup/connect4")
int on_connect_too(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 8);
	return 1;
}
