/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/sock_create: counts the sockets that a cgroup makes. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/sock_create")
int on_create(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
