/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A kernel function of a module, nf_conntrack, if that is loaded. Linux 6.0 */
#include "corpus.h"

struct nf_conn {};

struct bpf_ct_opts {
	int netns_id;
	int error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp, struct bpf_sock_tuple *tuple,
					 __u32 tuple_size, struct bpf_ct_opts *opts,
					 __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

__u64 hits;

SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = 6 };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;

	ct = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, 12);
	if (ct)
		bpf_ct_release(ct);
	__sync_fetch_and_add(&hits, 1);
	return XDP_PASS;
}
