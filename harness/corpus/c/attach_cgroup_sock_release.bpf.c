/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/sock_release: counts the sockets that a cgroup closes. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/sock_release")
int on_release(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
