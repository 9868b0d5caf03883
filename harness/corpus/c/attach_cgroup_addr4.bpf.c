/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of IPv4: one byte of the count for each program. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/bind4")
int on_bind(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 0);
	return 1;
}

SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 8);
	return 1;
}

SEC("cgroup/sendmsg4")
int on_sendmsg(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 16);
	return 1;
}

SEC("cgroup/recvmsg4")
int on_recvmsg(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 24);
	return 1;
}

SEC("cgroup/getpeername4")
int on_getpeername(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 32);
	return 1;
}

SEC("cgroup/getsockname4")
int on_getsockname(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 40);
	return 1;
}
