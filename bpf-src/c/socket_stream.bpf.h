/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What connections send and receive. */
#pragma once

#include "socket_connect.bpf.h"
#include "socket_payload.bpf.h"

#define MSG_FASTOPEN 0x20000000

/*
 * A connection that was made by sending: told as if connect had been called, with
 * what the call that sent knows of it.
 */
static __always_inline void fast_open_tell(enum way way, struct socket_state *state,
					   struct sock *sk, u64 result)
{
	u32 error = result_error(result);
	bool goes_on = !*(volatile u8 *)&state->has_tried;

	if (!goes_on)
		error = state->error;
	else if (!error)
		error = EINPROGRESS;
	connect_tell(way, state, sk, error,
		     SOCKET_FAST_OPEN | (error == EINPROGRESS ? SOCKET_IN_PROGRESS : 0), 0, 0);
	state->tries = 0;
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
