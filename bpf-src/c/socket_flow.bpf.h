/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows: what goes between a datagram socket and each other end.
 *
 * The first datagram of each way is told when it comes. That a flow has ended
 * is seen by nobody here, as nothing happens then: the reader looks at this map
 * from time to time, takes out what is over and tells its totals. So entries
 * are made and added to here, and removed there; see src/flows.rs, which has
 * these structures as well.
 */
#pragma once

#include "socket.bpf.h"

struct flow_key {
	u64 opened_time_ns; /* of the socket: not its address alone, which others get */
	u64 sk;
	struct event_address remote;
};

/* All but the counts and `last_time_ns` are as they were at the first datagram. */
struct flow {
	struct event_process process; /* who sent or received that */
	struct event_address local;
	u64 socket_id;
	u64 owner_id;
	u64 first_time_ns; /* 0: it is still being made */
	u64 last_time_ns;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	u32 owner_tgid;
	u32 net_ns;
	u32 interface;
	u16 family;
	u16 socket_type;
	u16 protocol;
	u16 is_unseen;
	u32 padding;
};

static const struct flow flow_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14); /* set at load */
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* A new flow, or the one that another CPU has made meanwhile; NULL, and counted, without room. */
static __always_inline struct flow *flow_begin(enum way way, struct socket_state *state,
					       struct sock *sk, const struct flow_key *key)
{
	struct flow *flow;

	if (!bpf_map_update_elem(&flows, key, &flow_empty, BPF_NOEXIST)) {
		flow = bpf_map_lookup_elem(&flows, key);
		if (!flow)
			return NULL;
		process__fill(PROBE, &flow->process, (void *)bpf_get_current_task());
		local__fill(way, &flow->local, sk);
		flow->socket_id = socket_id(way, state, sk);
		flow->owner_id = state->owner_id;
		flow->owner_tgid = state->owner_tgid;
		flow->net_ns = socket_net_ns(way, sk);
		flow->interface = READ(way, sk, __sk_common.skc_bound_dev_if);
		flow->family = READ(way, sk, __sk_common.skc_family);
		flow->socket_type = READ(way, sk, sk_type);
		flow->protocol = socket_protocol(way, sk);
		flow->is_unseen = state->is_unseen;
		flow->first_time_ns = bpf_ktime_get_boot_ns();
		return flow;
	}
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow)
		loss_count(LOSS_STATE_FULL);
	return flow;
}

/*
 * Counts a datagram. True if it is to be told, as the first of its flow in its
 * way, or because nobody can know that it is not. Two that are first at the same
 * time are both told.
 */
static __always_inline bool flow_count(enum way way, struct socket_state *state, struct sock *sk,
				       const struct event_address *remote, u64 size_bytes,
				       bool is_sent)
{
	struct flow_key key = {
		.opened_time_ns = state->opened_time_ns,
		.sk = (u64)sk,
		.remote = *remote,
	};
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	u64 before;

	if (!flow)
		flow = flow_begin(way, state, sk, &key);
	if (!flow)
		return true;
	flow->last_time_ns = bpf_ktime_get_boot_ns();
	if (is_sent) {
		before = flow->sent_packets;
		__sync_fetch_and_add(&flow->sent_packets, 1);
		__sync_fetch_and_add(&flow->sent_bytes, size_bytes);
	} else {
		before = flow->received_packets;
		__sync_fetch_and_add(&flow->received_packets, 1);
		__sync_fetch_and_add(&flow->received_bytes, size_bytes);
	}
	return !before;
}
