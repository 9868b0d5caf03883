/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* .struct_ops.link: a congestion control that a link registers. Linux 6.4 */
#include "corpus.h"

struct sock;

struct CORE tcp_sock {
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
};

struct tcp_congestion_ops {
	__u32 flags;
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	char name[16];
	/* A member that no kernel has, and which is zero, is left out. */
	void (*nobody_has_this)(struct sock *sk);
};

__u64 hits;

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(cong_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(cong_undo_cwnd, struct sock *sk)
{
	__sync_fetch_and_add(&hits, 1);
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&hits, 1);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops cong = {
	.ssthresh = (void *)cong_ssthresh,
	.undo_cwnd = (void *)cong_undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "trapline_link",
};
