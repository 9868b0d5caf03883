/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all socket events share: what is remembered of a socket, which sockets
 * count, and what is told of them.
 *
 * The bodies take addresses as numbers and read in the best way that the kernel
 * has, not in that of the hook.
 */
#pragma once

#include "actor.bpf.h"
#include "exclude.bpf.h"
#include "result.bpf.h"
#include "socket_address.bpf.h"

#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7

/* Ids that the kernel has not given; see event.h. */
#define SOCKET_ID_OWN (1ull << 63)

/* Whether connections within this machine are reported: set at load. */
const volatile u32 report_loopback = 0;

/* What is remembered of a socket, from its opening to its close. */
struct socket_state {
	u64 id; /* 0 until its first event */
	u64 opened_time_ns; /* also tells it from others that have its address later */
	u64 owner_id;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	u64 payload_told_bytes;
	u32 owner_tgid;
	u32 error; /* of the connection that was tried */
	/* One byte each, so that nobody undoes what another sets at the same time. */
	u8 is_told; /* an event was sent: so its close is told */
	u8 is_unseen; /* it was opened, but not before our eyes */
	u8 tries; /* a connection is being made, by the call that goes on */
	u8 has_tried; /* how that ended is known */
	u8 is_unfetched; /* but the program has not asked connect() for it */
	u8 has_received; /* the first data */
	u8 is_awaited; /* it was told as in progress, and by whom is known */
	u8 is_accepted;
	u8 is_counted; /* what the kernel counts of the connection is in the totals */
	/* Of the connection: asked for, and from where, while it had a port. */
	struct event_address remote;
	struct event_address local;
};

static const struct socket_state socket_state_empty;

/*
 * By the address of the struct sock, of which none is used again before its
 * socket is released: that takes the entry away.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14); /* set at load */
	__type(key, u64);
	__type(value, struct socket_state);
} sockets SEC(".maps");

static __always_inline struct socket_state *socket_known(u64 sk)
{
	return bpf_map_lookup_elem(&sockets, &sk);
}

/* Begins to remember a socket that the current task opens, or was seen to use. */
static __always_inline struct socket_state *socket_remember(u64 sk, bool is_unseen)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct socket_state *state;

	if (bpf_map_update_elem(&sockets, &sk, &socket_state_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	state = socket_known(sk);
	if (!state)
		return NULL;
	state->is_unseen = is_unseen;
	state->opened_time_ns = bpf_ktime_get_boot_ns();
	if (is_unseen)
		return state;
	state->owner_id = process_id(PROBE, task);
	state->owner_tgid = bpf_get_current_pid_tgid() >> 32;
	return state;
}

static __always_inline struct socket_state *socket_see(u64 sk)
{
	struct socket_state *state = socket_known(sk);

	return state ?: socket_remember(sk, true);
}

/*
 * Whether to leave out what happens between these ends. Where there is no other
 * end, this one decides.
 */
static __always_inline bool is_left_out(const struct event_address *local,
					const struct event_address *remote)
{
	if (report_loopback)
		return false;
	return address_is_loopback(remote->family ? remote : local);
}

/*
 * The kernel gives a socket its cookie when somebody asks for it. One that MPTCP
 * accepts has that of the listening socket (seen on 6.12): that names two.
 */
static __always_inline u64 socket_id(enum way way, struct socket_state *state, struct sock *sk)
{
	u64 id = 0;

	if (state->id)
		return state->id;
	if (!state->is_accepted || READ(way, sk, sk_protocol) != IPPROTO_MPTCP)
		id = READ(way, sk, __sk_common.skc_cookie.counter);
	if (!id)
		id = SOCKET_ID_OWN |
		     (state->opened_time_ns ^ (u64)bpf_get_smp_processor_id() << 52);
	state->id = id;
	return id;
}

/* IPPROTO_*; of a packet socket ETH_P_*. */
static __always_inline u16 socket_protocol(enum way way, struct sock *sk)
{
	struct packet_sock *packet = POINTER(way, struct packet_sock, sk);

	if (READ(way, sk, __sk_common.skc_family) != AF_PACKET)
		return READ(way, sk, sk_protocol);
	return bpf_ntohs(READ(way, packet, num));
}

/* Inode number of its network namespace. */
static __always_inline u32 socket_net_ns(enum way way, struct sock *sk)
{
	struct net *net = READ(way, sk, __sk_common.skc_net.net);

	return net ? READ(way, net, ns.inum) : 0;
}

static __always_inline bool socket_is_tcp(enum way way, struct sock *sk)
{
	return READ(way, sk, sk_protocol) == IPPROTO_TCP && READ(way, sk, sk_type) == SOCK_STREAM;
}

/* What TCP has received on this connection. */
static __always_inline u64 tcp_received_bytes(enum way way, struct sock *sk)
{
	struct tcp_sock *tcp = POINTER(way, struct tcp_sock, sk);

	/* The end of a stream takes a number of its own, and is counted as a byte. */
	return READ(way, tcp, bytes_received) -
	       (READ(way, sk, __sk_common.skc_flags) >>
			bpf_core_enum_value(enum sock_flags, SOCK_DONE) &
		1);
}

/*
 * A connection of TCP ends, but its socket may make another: then the kernel begins
 * to count anew.
 */
static __always_inline void totals_keep(enum way way, struct socket_state *state,
					struct sock *sk)
{
	struct tcp_sock *tcp = POINTER(way, struct tcp_sock, sk);

	if (state->is_counted || !socket_is_tcp(way, sk))
		return;
	state->is_counted = 1;
	state->received_bytes += tcp_received_bytes(way, sk);
	state->sent_packets += READ(way, tcp, segs_out);
	state->received_packets += READ(way, tcp, segs_in);
}

static __always_inline void totals__fill(enum way way, struct event_socket *event,
					 const struct socket_state *state, struct sock *sk)
{
	event->sent_bytes = state->sent_bytes;
	event->received_bytes = state->received_bytes;
	event->sent_packets = state->sent_packets;
	event->received_packets = state->received_packets;
	if (!state->is_counted && socket_is_tcp(way, sk)) {
		struct tcp_sock *tcp = POINTER(way, struct tcp_sock, sk);

		event->received_bytes += tcp_received_bytes(way, sk);
		event->sent_packets += READ(way, tcp, segs_out);
		event->received_packets += READ(way, tcp, segs_in);
	}
}

/*
 * Takes a lane for an event of this socket and fills in all but who acts, what
 * only some kinds tell, and the error. NULL, and counted, if there is none.
 */
static __always_inline struct lane *socket_begin(enum way way, struct socket_state *state,
						 struct sock *sk)
{
	struct lane *lane = lane_claim(bpf_get_current_task());
	struct event_socket *event;

	if (!lane)
		return NULL;
	event = &lane->event.socket;
	lane->used = sizeof(*event);
	local__fill(way, &event->local, sk);
	remote__fill(way, &event->remote, sk);
	event->socket_id = socket_id(way, state, sk);
	event->owner_id = state->owner_id;
	event->owner_tgid = state->owner_tgid;
	event->opened_time_ns = state->opened_time_ns;
	totals__fill(way, event, state, sk);
	event->payload_offset_bytes = 0;
	event->first_time_ns = 0;
	event->last_time_ns = 0;
	event->net_ns = socket_net_ns(way, sk);
	event->interface = READ(way, sk, __sk_common.skc_bound_dev_if);
	event->error = 0;
	event->flags = state->is_unseen ? SOCKET_OPENED_UNSEEN : 0;
	event->detail = 0;
	event->family = READ(way, sk, __sk_common.skc_family);
	event->socket_type = READ(way, sk, sk_type);
	event->protocol = socket_protocol(way, sk);
	event->padding = 0;
	text_none(&event->path, TEXT_NONE);
	text_none(&event->payload, TEXT_NONE);
	return lane;
}

/* Adds who acts and sends the event in the lane. Global, as file_send. */
__noinline int socket_send(u32 lane_index, u32 kind)
{
	u64 owner = bpf_get_current_task();
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct event_socket *event;

	if (!lane)
		return 0;
	event = &lane->event.socket;
	struct actor actor = {
		.process = &event->process,
		.parent = &event->parent,
		.exe = &event->exe,
		.parent_exe = &event->parent_exe,
	};

	if (actor__fill(lane, &actor))
		event->flags |= SOCKET_BY_KERNEL;
	header__fill(lane, &event->header, kind, lane->used);
	return lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
}

/* Sends it for this socket, whose close is told from now on. */
static __always_inline void socket_tell(struct socket_state *state, struct lane *lane,
					enum event_kind kind)
{
	state->is_told = 1;
	socket_send(lane->index, kind);
}

/* The same, unless what is between its ends is left out. True if it is told. */
static __always_inline bool socket_tell_ends(struct socket_state *state, struct lane *lane,
					     enum event_kind kind)
{
	struct event_socket *event = &lane->event.socket;

	if (is_left_out(&event->local, &event->remote)) {
		lane_release(lane);
		return false;
	}
	socket_tell(state, lane, kind);
	return true;
}
