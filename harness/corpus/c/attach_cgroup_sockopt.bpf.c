/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/getsockopt and setsockopt: one half of the count for each. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/getsockopt")
int on_get(struct bpf_sockopt *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}

SEC("cgroup/setsockopt")
int on_set(struct bpf_sockopt *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 32);
	return 1;
}
