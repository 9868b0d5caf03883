/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A socket's life: opened, bound, made to listen, accepted, closed. */
#pragma once

#include "calls.bpf.h"
#include "socket_connect.bpf.h"

/* Raw and packet sockets see what is not theirs: their opening is told, also where it is refused. */
static __always_inline bool opening_counts(u16 family, u16 type)
{
	return family == AF_PACKET ||
	       ((family == AF_INET || family == AF_INET6) && type == SOCK_RAW);
}

static __always_inline bool family_counts(u16 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET || family == AF_UNIX;
}

/* What socket(2) was asked for, in one number. */
static __always_inline u64 opening_key(u32 family, u32 type, u32 protocol)
{
	return (u64)(u16)family << 48 | (u64)(u16)type << 32 | protocol;
}

/* A socket that was refused: nothing is known but who asked, and for what. */
static __always_inline int opening_refused(u16 family, u16 type, u32 protocol, u32 error)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event_socket *event;
	struct lane *lane;

	if (!opening_counts(family, type) || actor_is_excluded())
		return 0;
	lane = lane_claim(bpf_get_current_task());
	if (!lane)
		return 0;
	event = &lane->event.socket;
	lane->used = sizeof(*event);
	__builtin_memset(&event->local, 0,
			 offsetof(struct event_socket, exe) - offsetof(struct event_socket, local));
	text_none(&event->path, TEXT_NONE);
	text_none(&event->payload, TEXT_NONE);
	event->error = error;
	event->owner_id = process_id(PROBE, task);
	event->owner_tgid = bpf_get_current_pid_tgid() >> 32;
	event->opened_time_ns = bpf_ktime_get_boot_ns();
	event->net_ns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	event->family = family;
	event->socket_type = type;
	event->protocol = protocol;
	if (family == AF_PACKET)
		event->protocol = bpf_ntohs(protocol);
	socket_send(lane->index, EVENT_SOCKET_CREATE);
	return 0;
}

/* What is asked of which socket, until it is done. */
struct socket_call {
	u64 sk;
	u32 kind; /* enum event_kind */
	u32 backlog;
	struct event_address asked;
	struct socket_name name;
};

static const struct socket_call socket_call_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, u64); /* the calling task's address */
	__type(value, struct socket_call);
} socket_calls SEC(".maps");

/* A call begins: an empty entry for it, or NULL. */
static __always_inline struct socket_call *socket_call_begin(enum event_kind kind, u64 sk)
{
	u64 task = bpf_get_current_task();
	struct socket_call *call;

	if (bpf_map_update_elem(&socket_calls, &task, &socket_call_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	call = bpf_map_lookup_elem(&socket_calls, &task);
	if (!call)
		return NULL;
	call->sk = sk;
	call->kind = kind;
	return call;
}

static __always_inline int socket_made_by(enum way way, u64 address, u16 type)
{
	struct socket *socket = POINTER(way, struct socket, address);
	struct sock *sk = READ(way, socket, sk);
	u16 family = sk ? READ(way, sk, __sk_common.skc_family) : 0;

	if (!family_counts(family))
		return 0;
	socket_remember((u64)sk, false);
	if (opening_counts(family, type))
		socket_call_begin(EVENT_SOCKET_CREATE, (u64)sk);
	return 0;
}

/* A socket was made, but its program does not have it yet. */
static __always_inline int socket_made(u64 socket, u32 type, u32 by_kernel)
{
	return by_kernel ? 0 : BY_BEST_WAY(socket_made_by, socket, type);
}

static __always_inline int socket_asked_by(enum way way, u64 address, enum event_kind kind,
					   u64 name, u64 number)
{
	struct socket *socket = POINTER(way, struct socket, address);
	struct sock *sk = READ(way, socket, sk);
	u16 family = sk ? READ(way, sk, __sk_common.skc_family) : 0;
	struct socket_call *call;

	if (!family_counts(family))
		return 0;
	call = socket_call_begin(kind, (u64)sk);
	if (!call)
		return 0;
	if (kind == EVENT_SOCKET_LISTEN) {
		call->backlog = number;
		return 0;
	}
	given__fill(&call->asked, name, number);
	name__fill(&call->name, name, number);
	return 0;
}

/* Before: `number` is the backlog, or the size of the address at `name`. */
static __always_inline int socket_asked(u64 socket, u32 kind, u64 name, u64 number)
{
	return BY_BEST_WAY(socket_asked_by, socket, kind, name, number);
}

static __always_inline int socket_done_by(enum way way, const struct socket_call *call, u32 error)
{
	struct sock *sk = POINTER(way, struct sock, call->sk);
	struct socket_state *state = socket_see(call->sk);
	struct event_socket *event;
	struct lane *lane;

	if (!state || actor_is_excluded())
		return 0;
	lane = socket_begin(way, state, sk);
	if (!lane)
		return 0;
	event = &lane->event.socket;
	event->error = error;
	event->detail = call->backlog;
	if (error && call->kind == EVENT_SOCKET_BIND)
		event->local = call->asked;
	if (event->family == AF_UNIX) {
		if (call->kind == EVENT_SOCKET_BIND && error)
			text_name(lane, &event->path, &call->name);
		else
			text_bound_name(way, lane, &event->path, sk);
	}
	socket_tell_ends(state, lane, call->kind);
	return 0;
}

/* After. */
__noinline int socket_done(u64 result)
{
	u64 task = bpf_get_current_task();
	struct socket_call *call = bpf_map_lookup_elem(&socket_calls, &task);

	if (!call)
		return 0;
	BY_BEST_WAY(socket_done_by, call, result_error(result));
	bpf_map_delete_elem(&socket_calls, &task);
	return 0;
}

/* socket(2) returned: asked for was `key`. */
static __always_inline int socket_opened(u64 key, u64 result)
{
	u32 error = result_error(result);

	if (error)
		return opening_refused(key >> 48, key >> 32, key, error);
	return socket_done(result);
}

static __always_inline int socket_accepted_by(enum way way, u64 address)
{
	struct socket *socket = POINTER(way, struct socket, address);
	struct sock *sk = READ(way, socket, sk);
	u16 family = sk ? READ(way, sk, __sk_common.skc_family) : 0;
	struct socket_state *state;
	struct lane *lane;

	if (!family_counts(family))
		return 0;
	/* Up to 6.1 MPTCP's own function calls that of TCP, for the same new socket. */
	state = socket_known((u64)sk);
	if (state && state->is_accepted)
		return 0;
	state = socket_remember((u64)sk, false);
	if (!state)
		return 0;
	state->is_accepted = 1;
	if (actor_is_excluded())
		return 0;
	lane = socket_begin(way, state, sk);
	if (lane)
		socket_tell_ends(state, lane, EVENT_SOCKET_ACCEPT);
	return 0;
}

/* A connection has come, and this is its socket. */
static __always_inline int socket_accepted(u64 socket, u64 result)
{
	if (result_error(result))
		return 0;
	return BY_BEST_WAY(socket_accepted_by, socket);
}

static __always_inline int socket_closed_by(enum way way, u64 address)
{
	struct socket *socket = POINTER(way, struct socket, address);
	u64 key = (u64)READ(way, socket, sk);
	struct sock *sk = POINTER(way, struct sock, key);
	struct socket_state *state = socket_known(key);
	struct lane *lane;

	if (!state)
		return 0;
	/* Nobody will hear how a connection ends that is still being made. */
	if (state->is_awaited && !*(volatile u8 *)&state->has_tried) {
		u32 now = READ(way, sk, __sk_common.skc_state);
		bool is_made = now != TCP_SYN_SENT && now != TCP_SYN_RECV && now != TCP_CLOSE;

		state->error = is_made ? 0 : ECONNABORTED;
		local__fill(way, &state->local, sk);
		outcome_tell(way, state, sk);
	}
	if (state->is_told && !actor_is_excluded()) {
		lane = socket_begin(way, state, sk);
		if (lane)
			socket_tell(state, lane, EVENT_SOCKET_CLOSE);
	}
	bpf_map_delete_elem(&connecting, &key);
	bpf_map_delete_elem(&sockets, &key);
	return 0;
}

/* A thread is gone: what of its calls was never seen to return waits no more. */
static __always_inline int socket_actor_ended(void)
{
	u64 task = bpf_get_current_task();

	WAITING_FORGET(&socket_calls, &task);
	calls_forget();
	return 0;
}

/* Nobody holds it any more. */
static __always_inline int socket_closed(u64 socket)
{
	return BY_BEST_WAY(socket_closed_by, socket);
}
