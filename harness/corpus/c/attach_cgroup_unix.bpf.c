/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of local sockets: one byte of the count for each program. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/connect_unix")
int on_connect(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 0);
	return 1;
}

SEC("cgroup/sendmsg_unix")
int on_sendmsg(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 8);
	return 1;
}

SEC("cgroup/recvmsg_unix")
int on_recvmsg(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 16);
	return 1;
}

SEC("cgroup/getpeername_unix")
int on_getpeername(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 24);
	return 1;
}

SEC("cgroup/getsockname_unix")
int on_getsockname(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&hits, 1ULL << 32);
	return 1;
}
