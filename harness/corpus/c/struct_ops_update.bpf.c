/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two tables of one name, of which one takes the other's place. Kernel: 6.4 */
#include "corpus.h"

struct sock;

struct tcp_congestion_ops {
	__u32 flags;
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*init)(struct sock *sk);
	char name[16];
};

__u64 hits;
/* Which table a connection was begun with. */
__u64 first_inits;
__u64 second_inits;

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(cong_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(cong_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&hits, 1);
}

SEC("struct_ops/init")
void BPF_PROG(init_first, struct sock *sk)
{
	__sync_fetch_and_add(&first_inits, 1);
}

SEC("struct_ops/init")
void BPF_PROG(init_second, struct sock *sk)
{
	__sync_fetch_and_add(&second_inits, 1);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops first = {
	.ssthresh = (void *)cong_ssthresh,
	.undo_cwnd = (void *)cong_undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.init = (void *)init_first,
	.name = "trapline_both",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops second = {
	.ssthresh = (void *)cong_ssthresh,
	.undo_cwnd = (void *)cong_undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.init = (void *)init_second,
	.name = "trapline_both",
};
