/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that a program makes, and how they end.
 *
 * A call that waits knows itself how it ended. One that does not, or that a
 * signal interrupts, is told as in progress, and what the kernel later makes of
 * it as an event of its own, in whatever task or interrupt that is seen. Either
 * may be seen first, as the answer can come before the call returns: what both
 * take from `connecting`, only one gets.
 */
#pragma once

#include "socket.bpf.h"
#include "socket_name.bpf.h"

#define EINTR 4
#define ECONNABORTED 103
#define EISCONN 106
#define EALREADY 114
#define EINPROGRESS 115
/* Of the kernel to itself: the call is to be made anew after a signal. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513

/* Connections of which it was told that they are in progress, and who makes them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* address of the struct sock */
	__type(value, struct event_process);
} connecting SEC(".maps");

static const struct event_process process_empty;

/* Tells how a connection in progress has ended, unless somebody else does. */
static __always_inline int outcome_tell(enum way way, struct socket_state *state, struct sock *sk)
{
	u64 key = (u64)sk;
	struct event_process *who = bpf_map_lookup_elem(&connecting, &key);
	u64 owner = bpf_get_current_task();
	struct event_socket *event;
	struct lane *lane;

	if (!who || !*(volatile u8 *)&state->is_awaited)
		return 0;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return 0;
	event = &lane->event.socket;
	event->process = *who;
	if (bpf_map_delete_elem(&connecting, &key)) {
		lane_release(lane);
		return 0;
	}
	__builtin_memset(&event->parent, 0, sizeof(event->parent));
	text_none(&event->exe, TEXT_UNKNOWN);
	text_none(&event->parent_exe, TEXT_UNKNOWN);
	event->local = state->local;
	event->remote = state->remote;
	event->error = state->error;
	event->flags |= SOCKET_BY_OWNER | SOCKET_OUTCOME;
	header__fill(lane, &event->header, EVENT_SOCKET_CONNECT, lane->used);
	lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
	return 0;
}

static __always_inline int socket_state_changes_by(enum way way, u64 address, u32 to)
{
	struct socket_state *state = socket_known(address);
	struct sock *sk;
	u32 from;

	if (!state)
		return 0;
	sk = POINTER(way, struct sock, address);
	from = READ(way, sk, __sk_common.skc_state);
	if (to == TCP_SYN_SENT) {
		remote__fill(way, &state->remote, sk);
		state->tries = 1;
		state->has_tried = 0;
		state->is_counted = 0;
		/* Of each connection the beginning is told. */
		state->has_received = 0;
		state->payload_told_bytes = 0;
		return 0;
	}
	if (to == TCP_CLOSE)
		totals_keep(way, state, sk);
	if ((from != TCP_SYN_SENT && from != TCP_SYN_RECV) ||
	    (to != TCP_ESTABLISHED && to != TCP_CLOSE))
		return 0;
	/* Before a failed one lets go of its address. */
	local__fill_last(way, &state->local, sk);
	state->error = to == TCP_ESTABLISHED ? 0 : READ(way, sk, sk_err);
	if (to == TCP_CLOSE && !state->error) {
		/* Given up by its own program, which will not ask for it. */
		state->error = ECONNABORTED;
		state->is_unfetched = 0;
	}
	*(volatile u8 *)&state->has_tried = 1;
	return outcome_tell(way, state, sk);
}

/* The state of a connection is about to change. */
static __always_inline int socket_state_changes(u64 sk, u32 to)
{
	return BY_BEST_WAY(socket_state_changes_by, sk, to);
}

/* Fills in the ends of an event about a connection that was tried: asked for were these. */
static __always_inline void ends__fill(struct event_socket *event, const struct socket_state *state)
{
	event->remote = state->remote;
	/* A failed one has no address of its own any more; one that was not even tried never had. */
	if (state->tries && *(volatile u8 *)&state->has_tried && state->local.family)
		event->local = state->local;
}

/* The connection was told as in progress: from now on its end is, in this task's name. */
static __always_inline void outcome_await(enum way way, struct socket_state *state,
					  struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event_process *who;
	u64 key = (u64)sk;

	state->is_unfetched = 1;
	*(volatile u8 *)&state->is_awaited = 0;
	if (bpf_map_update_elem(&connecting, &key, &process_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return;
	}
	who = bpf_map_lookup_elem(&connecting, &key);
	if (!who)
		return;
	process__fill(PROBE, who, task);
	/* From here on the other side may take it. */
	*(volatile u8 *)&state->is_awaited = 1;
	if (*(volatile u8 *)&state->has_tried)
		outcome_tell(way, state, sk);
}

static __always_inline void connect_tell(enum way way, struct socket_state *state, struct sock *sk,
					 u32 error, u32 flags, u64 name, u32 name_bytes)
{
	struct lane *lane = socket_begin(way, state, sk);
	struct event_socket *event;

	if (!lane)
		return;
	event = &lane->event.socket;
	event->error = error;
	event->flags |= flags;
	/* The name of a UNIX socket is no loopback address: that is told in any case. */
	if (event->family == AF_UNIX)
		text_given_name(lane, &event->path, name, name_bytes);
	else
		ends__fill(event, state);
	if (socket_tell_ends(state, lane, EVENT_SOCKET_CONNECT) && flags & SOCKET_IN_PROGRESS)
		outcome_await(way, state, sk);
}

static __always_inline int socket_connected_by(enum way way, u64 address, u64 name, u32 name_bytes,
					       u32 error)
{
	struct sock *sk = POINTER(way, struct sock, address);
	u16 family = READ(way, sk, __sk_common.skc_family), asked = 0;
	struct socket_state *state;
	bool goes_on;

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return 0;
	bpf_probe_read_kernel(&asked, sizeof(asked), (void *)name);
	/* That is how a socket is disconnected: what is tried next is another connection. */
	if (asked == AF_UNSPEC) {
		state = socket_known(address);
		if (state && !error)
			state->is_unfetched = 0;
		return 0;
	}
	state = socket_see(address);
	if (!state)
		return 0;
	if (error == ERESTARTSYS || error == ERESTARTNOINTR)
		error = EINTR;
	goes_on = error == EINPROGRESS || error == EALREADY;
	/* Whoever shuts down what it sends has it as connected, without having asked. */
	if (state->is_unfetched && error != EISCONN) {
		/* How it ends is told when it does; that a program asks for it is not. */
		if (!goes_on)
			state->is_unfetched = 0;
		return 0;
	}
	if (READ(way, sk, sk_type) == SOCK_STREAM && family != AF_UNIX &&
	    READ(way, sk, __sk_common.skc_state) == TCP_SYN_SENT && (!error || error == EINTR))
		goes_on = true;
	given__fill(&state->remote, name, name_bytes);
	/* Also of one that is left out: the call that asks for it may name any address. */
	state->is_unfetched = goes_on;
	if (!actor_is_excluded())
		connect_tell(way, state, sk, goes_on && !error ? EINPROGRESS : error,
			     goes_on ? SOCKET_IN_PROGRESS : 0, name, name_bytes);
	state->tries = 0;
	return 0;
}

/* connect(2) of a socket returned. */
static __always_inline int socket_connected(u64 file_address, u64 name, u32 name_bytes, u64 result)
{
	struct file *file = (void *)file_address;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	u64 sk = (u64)BPF_CORE_READ(socket, sk);
	u32 error = result_error(result);

	return BY_BEST_WAY(socket_connected_by, sk, name, name_bytes, error);
}
