/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow_dissector: counts the packets to the tests' port. */
#include "corpus.h"
#include "packet.h"

__u64 hits;

SEC("flow_dissector")
int on_packet(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;
	__be16 port = 0;

	bpf_skb_load_bytes(skb, keys->nhoff + sizeof(struct iphdr) + 2, &port, sizeof(port));
	if (port == bpf_htons(TEST_PORT))
		__sync_fetch_and_add(&hits, 1);
	return 2; /* BPF_DROP: cannot be dissected */
}
