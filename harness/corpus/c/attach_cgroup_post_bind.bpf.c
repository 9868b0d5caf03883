/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/post_bind4 and 6: counts the ports that sockets got. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
