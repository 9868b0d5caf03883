/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP of both families: what an allowed flow needs of it, and what finds the
 * neighbours on a link.
 */
#pragma once

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "isolate_rules.bpf.h"

/* A neighbour is asked for anew long before. */
#define NEIGHBOUR_SECONDS 600

/* What a path MTU message of a stranger may have of the packet it is about: as
 * much as RFC 792 and RFC 4443 let it have. */
#define STRANGER_BYTES 576
#define STRANGER6_BYTES 1280

/* <linux/icmp.h> wants the C library. */
struct icmp_head {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 rest;
};

#define ICMP_UNREACHABLE 3
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG 2
#define ICMP6_PARAMETER_PROBLEM 4
#define MLD_QUERY 130
#define MLD_REPORT 131
#define MLD_DONE 132
#define ND_ROUTER_SOLICIT 133
#define ND_ROUTER_ADVERT 134
#define ND_NEIGHBOUR_SOLICIT 135
#define ND_NEIGHBOUR_ADVERT 136
#define MLD2_REPORT 143

/*
 * An ICMP error about a packet of an allowed flow, which `at` is the beginning
 * of. One that comes in is about what went out, and the other way round, so the
 * peer of the flow is the destination of the packet inside, or its source.
 */
static __always_inline int judge_error(struct __sk_buff *skb, struct way way, __u32 at,
				       struct talk *talk, bool from_anybody)
{
	bool in = way.direction == ISOLATE_IN;
	const struct isolate_set *peer;
	struct isolate_prefix6 six = { .bits = 128 };
	struct isolate_prefix4 four = { .bits = 32 };
	__be16 ports[2];
	__u8 protocol;
	__u32 rule;

	if (talk->is_ipv6) {
		struct ipv6hdr inner;
		const __u8 *theirs = (__u8 *)(in ? &inner.daddr : &inner.saddr);
		const __u8 *ours = (__u8 *)(in ? &inner.saddr : &inner.daddr);

		if (bpf_skb_load_bytes(skb, at, &inner, sizeof(inner)))
			return BECAUSE(ISOLATE_MALFORMED);
		if (__builtin_memcmp(ours, talk->ends.local, 16))
			return BECAUSE(ISOLATE_ICMP);
		if (!from_anybody && __builtin_memcmp(theirs, talk->ends.peer, 16))
			return BECAUSE(ISOLATE_ICMP);
		__builtin_memcpy(six.address, theirs, 16);
		peer = bpf_map_lookup_elem(&peers6, &six);
		protocol = inner.nexthdr;
		at += sizeof(inner);
	} else {
		struct iphdr inner;
		const __be32 *theirs = in ? &inner.daddr : &inner.saddr;
		const __be32 *ours = in ? &inner.saddr : &inner.daddr;

		if (bpf_skb_load_bytes(skb, at, &inner, sizeof(inner)))
			return BECAUSE(ISOLATE_MALFORMED);
		/* Later fragments have no ports. */
		if (inner.ihl != 5 || inner.frag_off & bpf_htons(0x1fff))
			return BECAUSE(ISOLATE_ICMP);
		if (__builtin_memcmp(ours, talk->ends.local, 4))
			return BECAUSE(ISOLATE_ICMP);
		if (!from_anybody && __builtin_memcmp(theirs, talk->ends.peer, 4))
			return BECAUSE(ISOLATE_ICMP);
		__builtin_memcpy(four.address, theirs, 4);
		peer = bpf_map_lookup_elem(&peers4, &four);
		protocol = inner.protocol;
		at += sizeof(inner);
	}
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		rule = first_rule(peer, talk->any_port, NULL, NULL);
	else if (bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
		return BECAUSE(ISOLATE_MALFORMED);
	else
		rule = first_rule(peer, talk->any_port, rules_of_port(ports[0], protocol),
				  rules_of_port(ports[1], protocol));
	return rule == NONE ? BECAUSE(ISOLATE_ICMP) : (int)rule;
}

/*
 * A peer all of whose ports are allowed may be pinged, and may ping. Else only
 * errors about allowed flows pass, from the other end; and those without which
 * large packets vanish (path MTU) from every router between.
 */
static __always_inline int judge_icmp(struct __sk_buff *skb, struct way way, __u32 at,
				      struct talk *talk)
{
	bool is_too_big, is_error;
	struct icmp_head icmp;
	__u32 rule;

	if (bpf_skb_load_bytes(skb, at, &icmp, sizeof(icmp)))
		return BECAUSE(ISOLATE_MALFORMED);
	rule = first_rule(talk->peer, talk->any_port, NULL, NULL);
	if (rule != NONE)
		return rule;
	if (talk->is_fragment)
		return BECAUSE(ISOLATE_ICMP);
	is_too_big = icmp.type == ICMP_UNREACHABLE && icmp.code == ICMP_FRAGMENTATION_NEEDED;
	is_error = icmp.type == ICMP_UNREACHABLE || icmp.type == ICMP_TIME_EXCEEDED ||
		   icmp.type == ICMP_PARAMETER_PROBLEM;
	is_too_big = is_too_big && way.direction == ISOLATE_IN && skb->len - at <= STRANGER_BYTES;
	if (!is_error)
		return talk->peer ? BECAUSE(ISOLATE_ICMP) : BECAUSE(ISOLATE_ADDRESS);
	return judge_error(skb, way, at + sizeof(icmp), talk, is_too_big);
}

/*
 * A hop limit of 255 says that no router has passed a packet on: what comes in
 * with it is of the link. What goes out with it may leave the link, so it may go
 * only to where it cannot, or to whom has been heard on the link.
 */
static __always_inline int judge_neighbour(struct __sk_buff *skb, struct way way, __u8 type,
					   struct talk *talk)
{
	struct ends heard = { .number = skb->ifindex, .kind = MEMORY_NEIGHBOUR };
	const __u8 *peer = talk->ends.peer;

	if (talk->hop_limit != 255)
		return BECAUSE(ISOLATE_ICMP);
	__builtin_memcpy(heard.peer, peer, 16);
	if (way.direction == ISOLATE_IN) {
		if (type == ND_ROUTER_SOLICIT)
			return BECAUSE(ISOLATE_ICMP);
		remember(&heard, ISOLATE_NEIGHBOUR);
		return ISOLATE_NEIGHBOUR;
	}
	/* This host is nobody's router now. */
	if (type == ND_ROUTER_ADVERT)
		return BECAUSE(ISOLATE_ICMP);
	if (is_link_local(peer) || is_link_multicast(peer) ||
	    (talk->peer && type != ND_ROUTER_SOLICIT) ||
	    recall(&heard, NEIGHBOUR_SECONDS) != NONE)
		return ISOLATE_NEIGHBOUR;
	return BECAUSE(ISOLATE_ICMP);
}

/* Without reports a switch that snoops keeps solicitations from us. */
static __always_inline int judge_listener(struct way way, __u8 type, struct talk *talk)
{
	bool is_report = type != MLD_QUERY;

	if (talk->hop_limit != 1 || is_report != (way.direction == ISOLATE_OUT))
		return BECAUSE(ISOLATE_ICMP);
	if (is_report ? is_link_multicast(talk->ends.peer) : is_link_local(talk->ends.peer))
		return ISOLATE_LISTENER;
	return BECAUSE(ISOLATE_ICMP);
}

static __always_inline int judge_icmp6(struct __sk_buff *skb, struct way way, __u32 at,
				       struct talk *talk)
{
	struct icmp_head icmp;
	bool is_too_big;
	__u32 rule;
	__u8 type;

	if (bpf_skb_load_bytes(skb, at, &icmp, sizeof(icmp)))
		return BECAUSE(ISOLATE_MALFORMED);
	type = icmp.type;
	if (type >= ND_ROUTER_SOLICIT && type <= ND_NEIGHBOUR_ADVERT && !talk->is_fragment)
		return judge_neighbour(skb, way, type, talk);
	rule = first_rule(talk->peer, talk->any_port, NULL, NULL);
	if (rule != NONE)
		return rule;
	if (talk->is_fragment)
		return BECAUSE(ISOLATE_ICMP);
	if ((type >= MLD_QUERY && type <= MLD_DONE) || type == MLD2_REPORT)
		return judge_listener(way, type, talk);
	is_too_big = type == ICMP6_TOO_BIG && way.direction == ISOLATE_IN &&
		     skb->len - at <= STRANGER6_BYTES;
	if (type < ICMP6_UNREACHABLE || type > ICMP6_PARAMETER_PROBLEM)
		return talk->peer ? BECAUSE(ISOLATE_ICMP) : BECAUSE(ISOLATE_ADDRESS);
	return judge_error(skb, way, at + sizeof(icmp), talk, is_too_big);
}
