/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What datagram sockets send and receive. */
#pragma once

#include "socket_flow.bpf.h"
#include "socket_payload.bpf.h"

#define PORT_DNS 53
#define ETHERTYPE_IP6 0x86dd
#define UDP_HEADER_BYTES 8

/* Each query and each answer is told, on both sides. */
static __always_inline bool is_dns(enum way way, struct sock *sk,
				   const struct event_address *remote)
{
	return remote->port == PORT_DNS || READ(way, sk, __sk_common.skc_num) == PORT_DNS;
}

static __always_inline int datagram_sent_by(enum way way, u64 address, u64 message, u64 size,
					    u32 of_family)
{
	struct sock *sk = POINTER(way, struct sock, address);
	struct msghdr *header = POINTER(way, struct msghdr, message);
	struct socket_state *state;
	struct event_address remote;
	struct event_socket *event;
	struct lane *lane;
	u64 before, name;

	/* An IPv6 socket sends to IPv4 addresses by calling the other function. */
	if (READ(way, sk, __sk_common.skc_family) != of_family)
		return 0;
	state = socket_see(address);
	if (!state)
		return 0;
	before = state->sent_bytes;
	__sync_fetch_and_add(&state->sent_bytes, size);
	__sync_fetch_and_add(&state->sent_packets, 1);
	name = (u64)READ(way, header, msg_name);
	if (name)
		given__fill(&remote, name, READ(way, header, msg_namelen));
	else
		remote__fill(way, &remote, sk);
	if (is_left_out(&remote, &remote) || actor_is_excluded())
		return 0;
	if (!flow_count(way, state, sk, &remote, size, true) && !is_dns(way, sk, &remote))
		return 0;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return 0;
	event = &lane->event.socket;
	event->remote = remote;
	event->payload_offset_bytes = before;
	if (payload_bytes) {
		u64 wanted = size;

		if (wanted > payload_bytes)
			wanted = payload_bytes;
		CLAMP(wanted, PAYLOAD_MOST);
		payload_take(lane, message, size, wanted);
	}
	socket_tell(state, lane, EVENT_SOCKET_SEND);
	return 0;
}

/* A datagram socket was asked to send, by the function for this family. */
static __always_inline int datagram_sent(u64 sk, u64 message, u64 result, u32 of_family)
{
	if ((s32)result < 0)
		return 0;
	return BY_BEST_WAY(datagram_sent_by, sk, message, (u32)result, of_family);
}

/* Who sent a datagram, as its own headers say. */
static __always_inline void sender__fill(enum way way, struct event_address *remote,
					 struct sock *sk, struct sk_buff *skb)
{
	void *head = READ(way, skb, head);
	void *ip = head + READ(way, skb, network_header);
	u16 port = 0;

	bpf_probe_read_kernel(&port, sizeof(port), head + READ(way, skb, transport_header));
	address__clear(remote);
	if (READ(way, skb, protocol) == bpf_htons(ETHERTYPE_IP6)) {
		u64 source[2] = {};

		bpf_probe_read_kernel(source, sizeof(source), ip + 8);
		address__fill_ip6(remote, source[0], source[1], port,
				  READ(way, sk, __sk_common.skc_bound_dev_if));
	} else {
		u32 source = 0;

		bpf_probe_read_kernel(&source, sizeof(source), ip + 12);
		address__fill_ip4(remote, source, port);
		if (READ(way, sk, __sk_common.skc_family) == AF_INET6) {
			/* As its program sees it: ::ffff:1.2.3.4. */
			remote->ip_first = 0;
			remote->ip_second = (u64)source << 32 | bpf_htonl(0xffff);
			remote->family = AF_INET6;
		}
	}
}

static __always_inline int datagram_received_by(enum way way, u64 address, u64 buffer, u64 size)
{
	struct sock *sk = POINTER(way, struct sock, address);
	struct sk_buff *skb = POINTER(way, struct sk_buff, buffer);
	struct socket_state *state = socket_see(address);
	struct event_address remote;
	struct event_socket *event;
	struct lane *lane;

	if (!state)
		return 0;
	__sync_fetch_and_add(&state->received_bytes, size);
	__sync_fetch_and_add(&state->received_packets, 1);
	sender__fill(way, &remote, sk, skb);
	if (is_left_out(&remote, &remote) || actor_is_excluded())
		return 0;
	if (!flow_count(way, state, sk, &remote, size, false) && !is_dns(way, sk, &remote))
		return 0;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return 0;
	event = &lane->event.socket;
	event->remote = remote;
	if (is_dns(way, sk, &remote) && payload_bytes) {
		void *to = text_room(lane, PAYLOAD_MOST);
		void *from = READ(way, skb, head) + READ(way, skb, transport_header) +
			     UDP_HEADER_BYTES;

		CLAMP(size, PAYLOAD_MOST);
		if (bpf_probe_read_kernel(to, size, from))
			text_none(&event->payload, TEXT_FAULT);
		else
			text_take(lane, &event->payload, size, 0);
	}
	socket_tell(state, lane, EVENT_SOCKET_RECEIVE);
	return 0;
}

/* A datagram is handed to its program; of one that it only looks at the size is negative. */
static __always_inline int datagram_received(u64 sk, u64 buffer, u64 size)
{
	if ((s32)size < 0)
		return 0;
	return BY_BEST_WAY(datagram_received_by, sk, buffer, (u32)size);
}
