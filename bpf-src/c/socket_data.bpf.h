/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is sent and received. */
#pragma once

#include "socket_connect.bpf.h"
#include "socket_payload.bpf.h"

#define MSG_FASTOPEN 0x20000000
#define PORT_DNS 53
#define ETHERTYPE_IP6 0x86dd
#define UDP_HEADER_BYTES 8

/* How much is told of what each connection sends: set at load. */
const volatile u32 payload_bytes = PAYLOAD_MOST;

/* One way between a datagram socket and one other end. */
struct flow {
	u64 opened_time_ns; /* of the socket: not its address, which others get */
	u64 sk;
	struct event_address remote;
	u32 is_sent;
	u32 padding;
};

/* Those that were told; the oldest are forgotten first, and then told again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct flow);
	__type(value, u8);
} flows SEC(".maps");

static __always_inline bool flow_is_new(const struct socket_state *state, u64 sk,
					const struct event_address *remote, bool is_sent)
{
	struct flow flow = {
		.opened_time_ns = state->opened_time_ns,
		.sk = sk,
		.remote = *remote,
		.is_sent = is_sent,
	};
	u8 known = 1;

	if (bpf_map_lookup_elem(&flows, &flow))
		return false;
	return !bpf_map_update_elem(&flows, &flow, &known, BPF_NOEXIST);
}

/* Each query and each answer is told, on both sides. */
static __always_inline bool is_dns(enum way way, struct sock *sk,
				   const struct event_address *remote)
{
	return remote->port == PORT_DNS || READ(way, sk, __sk_common.skc_num) == PORT_DNS;
}

/*
 * A connection that was made by sending: told as if connect had been called, with
 * what the call that sent knows of it.
 */
static __always_inline void fast_open_tell(enum way way, struct socket_state *state,
					   struct sock *sk, u64 result)
{
	u32 error = result_error(result);
	bool goes_on = !*(volatile u8 *)&state->has_tried;

	state->tries = 0;
	if (!goes_on)
		error = state->error;
	else if (!error)
		error = EINPROGRESS;
	connect_tell(way, state, sk, error,
		     SOCKET_FAST_OPEN | (error == EINPROGRESS ? SOCKET_IN_PROGRESS : 0), 0, 0);
}

/*
 * So many bytes more were taken: an event for those of them that are to be told,
 * which are `*wanted`, and how many went before; or NULL.
 */
static __always_inline struct lane *stream_begin(enum way way, struct socket_state *state,
						 struct sock *sk, u64 size, u64 *wanted)
{
	u64 before = state->sent_bytes, left;
	struct event_socket *event;
	struct lane *lane;

	state->sent_bytes = before + size;
	if (state->payload_told_bytes >= payload_bytes || actor_is_excluded())
		return NULL;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return NULL;
	event = &lane->event.socket;
	if (is_left_out(&event->local, &event->remote)) {
		state->payload_told_bytes = payload_bytes;
		lane_release(lane);
		return NULL;
	}
	left = payload_bytes - state->payload_told_bytes;
	if (left > size)
		left = size;
	CLAMP(left, PAYLOAD_MOST);
	state->payload_told_bytes += left;
	event->payload_offset_bytes = before;
	if (state->payload_told_bytes >= payload_bytes)
		event->flags |= SOCKET_PAYLOAD_ENDS;
	*wanted = left;
	return lane;
}

static __always_inline int stream_sent_by(enum way way, u64 address, u64 message, u64 result)
{
	struct sock *sk = POINTER(way, struct sock, address);
	struct msghdr *header = POINTER(way, struct msghdr, message);
	struct socket_state *state = socket_see(address);
	struct lane *lane;
	u64 wanted;

	if (!state)
		return 0;
	if (state->tries && READ(way, header, msg_flags) & MSG_FASTOPEN && !actor_is_excluded())
		fast_open_tell(way, state, sk, result);
	if ((s32)result <= 0)
		return 0;
	lane = stream_begin(way, state, sk, (u32)result, &wanted);
	if (!lane)
		return 0;
	payload_take(lane, message, (u32)result, wanted);
	socket_tell(state, lane, EVENT_SOCKET_SEND);
	return 0;
}

/* A connection's socket was asked to send. */
static __always_inline int stream_sent(u64 sk, u64 message, u64 result)
{
	return BY_BEST_WAY(stream_sent_by, sk, message, result);
}

static __always_inline int stream_sent_page_by(enum way way, u64 address, u64 page, u64 offset,
					       u64 size)
{
	struct sock *sk = POINTER(way, struct sock, address);
	struct socket_state *state = socket_see(address);
	struct lane *lane;
	u64 wanted;

	if (!state)
		return 0;
	lane = stream_begin(way, state, sk, size, &wanted);
	if (!lane)
		return 0;
	payload_read_page(lane->index, page, offset, wanted);
	socket_tell(state, lane, EVENT_SOCKET_SEND);
	return 0;
}

/* The same, by a page: up to Linux 6.4, of what comes from a file or a pipe. */
static __always_inline int stream_sent_page(u64 sk, u64 page, u64 offset, u64 result)
{
	if ((s32)result <= 0)
		return 0;
	return BY_BEST_WAY(stream_sent_page_by, sk, page, offset, (u32)result);
}

static __always_inline int stream_received_by(enum way way, u64 address)
{
	struct sock *sk = POINTER(way, struct sock, address);
	struct socket_state *state = socket_see(address);
	struct lane *lane;

	if (!state || state->has_received || actor_is_excluded())
		return 0;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return 0;
	state->has_received = 1;
	socket_tell_ends(state, lane, EVENT_SOCKET_RECEIVE);
	return 0;
}

/* A connection's socket was asked for what it has received. */
static __always_inline int stream_received(u64 sk, u64 result)
{
	struct socket_state *state;

	if ((s32)result <= 0)
		return 0;
	state = socket_known(sk);
	if (state && state->has_received)
		return 0;
	return BY_BEST_WAY(stream_received_by, sk);
}

/* The same of MPTCP, whose sock does not count what comes through its subflows. */
static __always_inline int multipath_received(u64 sk, u64 result)
{
	struct socket_state *state = socket_see(sk);

	if ((s32)result <= 0 || !state)
		return 0;
	state->received_bytes += (u32)result;
	return stream_received(sk, result);
}

static __always_inline int stream_spliced_by(enum way way, u64 address, u64 result)
{
	struct socket *socket = POINTER(way, struct socket, address);

	return stream_received((u64)READ(way, socket, sk), result);
}

/* The same, into a pipe: here the socket is given, not its sock. */
static __always_inline int stream_spliced(u64 socket, u64 result)
{
	return BY_BEST_WAY(stream_spliced_by, socket, result);
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
	state->sent_bytes = before + size;
	state->sent_packets++;
	name = (u64)READ(way, header, msg_name);
	if (name)
		given__fill(&remote, name, READ(way, header, msg_namelen));
	else
		remote__fill(way, &remote, sk);
	if (is_left_out(&remote, &remote) || actor_is_excluded())
		return 0;
	if (!flow_is_new(state, address, &remote, true) && !is_dns(way, sk, &remote))
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
	state->received_bytes += size;
	state->received_packets++;
	sender__fill(way, &remote, sk, skb);
	if (is_left_out(&remote, &remote) || actor_is_excluded())
		return 0;
	if (!flow_is_new(state, address, &remote, false) && !is_dns(way, sk, &remote))
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
