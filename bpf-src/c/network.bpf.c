// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Network events: what sockets connect to and wait for, send and receive.
 *
 *              fentry flavour                          kprobe flavour
 *   socket     fentry security_socket_post_create,     kprobe, kretprobe of the same
 *                fexit __sock_create
 *   bind       fentry security_socket_bind, fexit      kprobe, kretprobe of the same
 *                __sys_bind, __sys_bind_socket
 *   listen     likewise                                likewise
 *   connect    fexit __sys_connect_file, fentry        kprobe, kretprobe of the same,
 *                inet_sk_state_store                     raw_tp inet_sock_set_state
 *   accept     fexit inet_accept, mptcp_stream_accept  kprobe, kretprobe of the same
 *   send       fexit tcp_sendmsg, mptcp_sendmsg,       kprobe, kretprobe of the same
 *                udp_sendmsg, udpv6_sendmsg, and up
 *                to 6.4 tcp_sendpage
 *   receive    fexit tcp_recvmsg, mptcp_recvmsg,       kprobe, kretprobe of the same
 *                tcp_splice_read, fentry
 *                skb_consume_udp
 *   close      fentry __sock_release                   kprobe of the same
 *   exit       fentry sched_autogroup_exit_task        kprobe of the same
 */
#include <stdbool.h>
#include <stddef.h>
#include "hooks.bpf.h"

#include "calls.bpf.h"
#include "socket_connect.bpf.h"
#include "socket_life.bpf.h"
#include "socket_stream.bpf.h"
#include "socket_datagram.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * States change in interrupts, which come while other programs run: there the
 * kernel leaves out programs of kprobes, and counts them, but not those of raw
 * tracepoints. This one is the first thing that the function does.
 * Source: kernel/trace/bpf_trace.c, trace_call_bpf
 */
SEC("fentry/inet_sk_state_store")
int BPF_PROG(state_fentry, struct sock *sk, int to)
{
	return leave(ctx, socket_state_changes((u64)sk, to));
}

SEC("raw_tp/inet_sock_set_state")
int state_raw_tp(u64 *ctx)
{
	return leave(ctx, socket_state_changes(ctx[0], ctx[2]));
}

/* Where a function is entered: addresses go to the body as numbers. */
ENTRY_HOOKS(close, "__sock_release", socket_closed((u64)socket), struct socket *socket)
ENTRY_HOOKS(made, "security_socket_post_create", socket_made((u64)socket, type, by_kernel),
	    struct socket *socket, int family, int type, int protocol, int by_kernel)
ENTRY_HOOKS(bind_asked, "security_socket_bind",
	    socket_asked((u64)socket, EVENT_SOCKET_BIND, (u64)address, size_bytes),
	    struct socket *socket, void *address, int size_bytes)
ENTRY_HOOKS(listen_asked, "security_socket_listen",
	    socket_asked((u64)socket, EVENT_SOCKET_LISTEN, 0, backlog), struct socket *socket,
	    int backlog)

/* Where a function that was seen to begin returns. */
#define DONE_HOOKS(name, function, count)                                                      \
	SEC("fexit/" function)                                                                 \
	int name##_fentry(u64 *ctx)                                                            \
	{                                                                                      \
		return leave(ctx, socket_done(ctx[count]));                                    \
	}                                                                                      \
	SEC("kretprobe/" function)                                                             \
	int name##_kprobe(struct pt_regs *ctx)                                                 \
	{                                                                                      \
		return leave(ctx, socket_done(PT_REGS_RC(ctx)));                               \
	}

DONE_HOOKS(bind, "__sys_bind", 3)
DONE_HOOKS(bind_socket, "__sys_bind_socket", 3) /* io_uring, since 6.11 */
DONE_HOOKS(listen, "__sys_listen", 2)
DONE_HOOKS(listen_socket, "__sys_listen_socket", 2)

/* socket(2), but not what the kernel opens for itself. */

SEC("fexit/__sock_create")
int BPF_PROG(create_fentry, struct net *net, int family, int type, int protocol, void *to,
	     int by_kernel, int result)
{
	if (by_kernel)
		return 0;
	return leave(ctx, socket_opened(opening_key(family, type, protocol), (u64)(long)result));
}

SEC("kprobe/__sock_create")
int BPF_KPROBE(within_create_kprobe, struct net *net, int family, int type, int protocol)
{
	if ((u32)SIXTH_ARGUMENT(ctx))
		return 0;
	return leave(ctx, call_entered(ctx, CALL_create, opening_key(family, type, protocol), 0));
}

SEC("kretprobe/__sock_create")
int BPF_KRETPROBE(create_kprobe, long result)
{
	struct call call;

	if (!call_left(ctx, CALL_create, &call))
		return 0;
	return leave(ctx, socket_opened(call.first, result));
}

/*
 * What a kprobe notes has room for two numbers. An address takes 48 bits, as those
 * above are all alike, and leaves room for a small one.
 */
static __always_inline u64 address_with(u64 address, u16 number)
{
	return address << 16 | number;
}

static __always_inline u64 address_of(u64 both)
{
	return (u64)((long)both >> 16);
}

SEC("fexit/__sys_connect_file")
int BPF_PROG(connect_fentry, struct file *file, void *name, int name_bytes, int flags, int result)
{
	return leave(ctx, socket_connected((u64)file, (u64)name, name_bytes, (u64)(long)result));
}

SEC("kprobe/__sys_connect_file")
int BPF_KPROBE(within_connect_kprobe, u64 file, u64 name, u32 name_bytes)
{
	return leave(ctx, call_entered(ctx, CALL_connect, file, address_with(name, name_bytes)));
}

SEC("kretprobe/__sys_connect_file")
int BPF_KRETPROBE(connect_kprobe, long result)
{
	struct call call;

	if (!call_left(ctx, CALL_connect, &call))
		return 0;
	return leave(ctx, socket_connected(call.first, address_of(call.second), (u16)call.second, result));
}

/* The listening socket is given first, the new one second. */
#define ACCEPT_HOOKS(name, function)                                                           \
	const volatile u32 function##__result = NOWHERE;                                       \
	CALL_HOOKS(name, #function,                                                            \
		   socket_accepted(ctx[1], argument(ctx, function##__result)),                 \
		   PT_REGS_PARM2(ctx), 0, socket_accepted(call.first, PT_REGS_RC(ctx)))

ACCEPT_HOOKS(accept, inet_accept)
ACCEPT_HOOKS(accept_mptcp, mptcp_stream_accept)

/* A function that sends: of a socket, a message. */
#define SEND_HOOKS(name, function, body, ...)                                                  \
	CALL_HOOKS(name, function, body(ctx[0], ctx[1], ctx[3], ##__VA_ARGS__),                \
		   PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx),                                     \
		   body(call.first, call.second, PT_REGS_RC(ctx), ##__VA_ARGS__))

SEND_HOOKS(send_tcp, "tcp_sendmsg", stream_sent)
SEND_HOOKS(send_mptcp, "mptcp_sendmsg", stream_sent)
SEND_HOOKS(send_udp, "udp_sendmsg", datagram_sent, AF_INET)
SEND_HOOKS(send_udp6, "udpv6_sendmsg", datagram_sent, AF_INET6)

/* Up to 6.4. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(send_page_fentry, struct sock *sk, struct page *page, int offset, size_t size,
	     int flags, int result)
{
	u64 number;

	/* A typed pointer is no number, as the body needs it. */
	bpf_probe_read_kernel(&number, sizeof(number), &ctx[1]);
	return leave(ctx, stream_sent_page((u64)sk, number, offset, (u64)(long)result));
}

SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(within_send_page_kprobe, u64 sk, u64 page, u16 offset)
{
	return leave(ctx, call_entered(ctx, CALL_send_page, sk, address_with(page, offset)));
}

SEC("kretprobe/tcp_sendpage")
int BPF_KRETPROBE(send_page_kprobe, long result)
{
	struct call call;

	if (!call_left(ctx, CALL_send_page, &call))
		return 0;
	return leave(ctx, stream_sent_page(call.first, address_of(call.second), (u16)call.second, result));
}

/* A function that receives, with its result at this position behind its arguments. */
#define RECEIVE_HOOKS(name, function, position, body)                                          \
	CALL_HOOKS(name, function, body(ctx[0], argument(ctx, position)), PT_REGS_PARM1(ctx), 0, \
		   body(call.first, PT_REGS_RC(ctx)))

const volatile u32 tcp_recvmsg__result = NOWHERE;
const volatile u32 mptcp_recvmsg__result = NOWHERE;

RECEIVE_HOOKS(receive_tcp, "tcp_recvmsg", tcp_recvmsg__result, stream_received)
RECEIVE_HOOKS(receive_mptcp, "mptcp_recvmsg", mptcp_recvmsg__result, multipath_received)
RECEIVE_HOOKS(receive_splice, "tcp_splice_read", 5, stream_spliced)

ENTRY_HOOKS(receive_udp, "skb_consume_udp", datagram_received((u64)sk, (u64)skb, size),
	    struct sock *sk, struct sk_buff *skb, int size)

SEC("fentry/sched_autogroup_exit_task")
int socket_actor_exit_fentry(void *ctx)
{
	return leave(ctx, socket_actor_ended());
}

SEC("kprobe/sched_autogroup_exit_task")
int socket_actor_exit_kprobe(void *ctx)
{
	return leave(ctx, socket_actor_ended());
}
