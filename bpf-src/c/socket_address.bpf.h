/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses: of a socket's two ends, and as calls are given them. */
#pragma once

#include "read.bpf.h"
#include "event.h"

#include <bpf/bpf_endian.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17

#define SOCK_STREAM 1
#define SOCK_RAW 3

/* What bind and connect take, as far as it is read: struct sockaddr_in6 is the longer one. */
struct socket_address {
	u16 family;
	u16 port; /* in network order, as all that follows */
	u32 ip4; /* IPv6: the flow */
	u64 ip6_first;
	u64 ip6_second;
	u32 scope; /* in the machine's order */
} __attribute__((packed));

static __always_inline void address__clear(struct event_address *address)
{
	__builtin_memset(address, 0, sizeof(*address));
}

/* Ports are in network order. */
static __always_inline void address__fill_ip4(struct event_address *address, u32 ip, u16 port)
{
	address->ip_first = 0;
	address->ip_second = 0;
	*(u32 *)&address->ip_first = ip;
	address->scope = 0;
	address->family = AF_INET;
	address->port = bpf_ntohs(port);
}

/* An address that every interface may have is of one: that which the socket is bound to. */
static __always_inline bool ip6_is_link_local(u64 ip_first)
{
	return (bpf_be64_to_cpu(ip_first) >> 54) == 0xfe80 >> 6;
}

static __always_inline void address__fill_ip6(struct event_address *address, u64 ip_first,
					      u64 ip_second, u16 port, u32 interface)
{
	address->ip_first = ip_first;
	address->ip_second = ip_second;
	address->scope = ip6_is_link_local(ip_first) ? interface : 0;
	address->family = AF_INET6;
	address->port = bpf_ntohs(port);
}

/* Half of an IPv6 address of a sock, its bytes as they are. */
#define IP6_HALF(way, sk, field, half)                                                         \
	({                                                                                     \
		u32 __words[2];                                                                \
		__words[0] = READ(way, sk, __sk_common.field.in6_u.u6_addr32[2 * (half)]);      \
		__words[1] = READ(way, sk, __sk_common.field.in6_u.u6_addr32[2 * (half) + 1]);  \
		*(u64 *)__words;                                                               \
	})

/* This end of a socket, with this port; cleared if it has none. */
static __always_inline void local__fill_port(enum way way, struct event_address *address,
					     struct sock *sk, u16 port)
{
	u16 family = READ(way, sk, __sk_common.skc_family);

	if (family == AF_INET)
		address__fill_ip4(address, READ(way, sk, __sk_common.skc_rcv_saddr),
				  port);
	else if (family == AF_INET6)
		address__fill_ip6(address, IP6_HALF(way, sk, skc_v6_rcv_saddr, 0),
				  IP6_HALF(way, sk, skc_v6_rcv_saddr, 1),
				  port,
				  READ(way, sk, __sk_common.skc_bound_dev_if));
	else
		address__clear(address);
	/* A raw socket has no port: its protocol is kept there. */
	if (READ(way, sk, sk_type) == SOCK_RAW)
		address->port = 0;
	else if (!port)
		address__clear(address);
}

static __always_inline void local__fill(enum way way, struct event_address *address,
					struct sock *sk)
{
	local__fill_port(way, address, sk, bpf_htons(READ(way, sk, __sk_common.skc_num)));
}

/* The same of a connection that has failed: its port is given back, but still to be seen. */
static __always_inline void local__fill_last(enum way way, struct event_address *address,
					     struct sock *sk)
{
	struct inet_sock *inet = POINTER(way, struct inet_sock, sk);

	local__fill_port(way, address, sk, READ(way, inet, inet_sport));
}

/* The other end; cleared if it is not connected. */
static __always_inline void remote__fill(enum way way, struct event_address *address,
					 struct sock *sk)
{
	u16 family = READ(way, sk, __sk_common.skc_family);
	u16 port = READ(way, sk, __sk_common.skc_dport);

	if (family == AF_INET && port)
		address__fill_ip4(address, READ(way, sk, __sk_common.skc_daddr), port);
	else if (family == AF_INET6 && port)
		address__fill_ip6(address, IP6_HALF(way, sk, skc_v6_daddr, 0),
				  IP6_HALF(way, sk, skc_v6_daddr, 1), port,
				  READ(way, sk, __sk_common.skc_bound_dev_if));
	else
		address__clear(address);
}

/* The address at `from`, in the kernel's memory, of so many bytes; cleared if it is no IP's. */
static __always_inline void given__fill(struct event_address *address, u64 from, u32 size_bytes)
{
	struct socket_address given = {};

	address__clear(address);
	/* The caller's copy is a whole sockaddr_storage, of which the rest is anything. */
	if (size_bytes < 16 || bpf_probe_read_kernel(&given, sizeof(given), (void *)from))
		return;
	if (given.family == AF_INET)
		address__fill_ip4(address, given.ip4, given.port);
	else if (given.family == AF_INET6 && size_bytes >= 24)
		address__fill_ip6(address, given.ip6_first, given.ip6_second, given.port,
				  size_bytes >= sizeof(given) ? given.scope : 0);
}

/* 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104. */
static __always_inline bool address_is_loopback(const struct event_address *address)
{
	const u8 *ip = (const u8 *)&address->ip_first;
	u64 second = bpf_be64_to_cpu(address->ip_second);

	if (address->family == AF_INET)
		return ip[0] == 127;
	if (address->family != AF_INET6 || address->ip_first)
		return false;
	return second == 1 || second >> 24 == 0xffff7f;
}
