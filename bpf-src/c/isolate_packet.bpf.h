/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taking a packet apart. The bytes count, not what the kernel has noted of them:
 * whoever sends frames past the network stack chooses the notes. What is not
 * understood to its end does not pass.
 */
#pragma once

#include <linux/if_ether.h>

#include "isolate_talk.bpf.h"

/* <linux/if_arp.h> wants the C library. */
#define ARPHRD_ETHER 1
#define ARPOP_REQUEST 1
#define ARPOP_REPLY 2

#define IP_MORE_FRAGMENTS 0x2000
#define IP_FRAGMENT_OFFSET 0x1fff
#define IP6_MORE_FRAGMENTS 1
#define IP6_FRAGMENT_OFFSET 0xfff8
/* No honest one begins earlier; one that does would change flags and ports. */
#define FIRST_FRAGMENT_MIN 24

/* The interface of that number is the loopback one, in every network namespace. */
#define LOOPBACK 1

struct vlan_tag {
	__be16 control;
	__be16 type;
};

struct arp_ipv4 {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
};

struct ip6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 number;
};

/* A fragment after the first: it has no ports, so it goes the way of the first
 * one, or that of a rule that needs no port. */
static __always_inline int judge_later_fragment(__u32 offset_bytes, struct talk *talk)
{
	__u32 rule = first_rule(talk->peer, talk->any_port, NULL, NULL);

	if (offset_bytes < FIRST_FRAGMENT_MIN)
		return BECAUSE(ISOLATE_FRAGMENT);
	if (rule == NONE)
		rule = recall(&talk->ends, FRAGMENTS_SECONDS);
	return rule == NONE ? BECAUSE(ISOLATE_FRAGMENT) : (int)rule;
}

/* Judges a packet, or a fragment of one, of whose ends all but the ports is known. */
static __always_inline int judge_whole(struct __sk_buff *skb, struct way way, __u32 at,
				       __u32 offset_bytes, __u32 number, struct talk *talk)
{
	struct ends fragments = talk->ends;
	int verdict;

	fragments.number = number;
	fragments.kind = MEMORY_FRAGMENTS;
	switch (talk->ends.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		break;
	default:
		return BECAUSE(ISOLATE_PROTOCOL);
	}
	if (offset_bytes) {
		talk->ends = fragments;
		return judge_later_fragment(offset_bytes, talk);
	}
	verdict = judge_talk(skb, way, at, talk);
	if (talk->is_fragment && verdict >= 0)
		remember(&fragments, verdict);
	return verdict;
}

/* Not inlined, nor is the one of IPv6: six programs in the object would be six times
 * as much. */
static __noinline int judge_ipv4(struct __sk_buff *skb, struct way way, __u32 at,
				      const struct isolate_config *settings)
{
	struct talk talk = { .any_port = &settings->any_port };
	struct isolate_prefix4 prefix = { .bits = 32 };
	bool in = way.direction == ISOLATE_IN;
	struct iphdr ip;
	__u32 offset;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return BECAUSE(ISOLATE_MALFORMED);
	if (ip.version != 4 || ip.ihl < 5)
		return BECAUSE(ISOLATE_MALFORMED);
	if (ip.ihl > 5)
		return BECAUSE(ISOLATE_OPTIONS);
	__builtin_memcpy(talk.ends.peer, in ? &ip.saddr : &ip.daddr, 4);
	__builtin_memcpy(talk.ends.local, in ? &ip.daddr : &ip.saddr, 4);
	__builtin_memcpy(prefix.address, talk.ends.peer, 4);
	talk.peer = bpf_map_lookup_elem(&peers4, &prefix);
	talk.ends.protocol = ip.protocol;
	offset = bpf_ntohs(ip.frag_off);
	talk.is_fragment = offset & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS);
	offset = (offset & IP_FRAGMENT_OFFSET) * 8;
	/* The ports have to be in the packet, not in what pads the frame. */
	if (talk.is_fragment && bpf_ntohs(ip.tot_len) < sizeof(ip) + sizeof(struct tcphdr) && !offset)
		return BECAUSE(ISOLATE_FRAGMENT);
	return judge_whole(skb, way, at + sizeof(ip), offset, ip.id, &talk);
}

static __noinline int judge_ipv6(struct __sk_buff *skb, struct way way, __u32 at,
				      const struct isolate_config *settings)
{
	struct talk talk = { .any_port = &settings->any_port, .is_ipv6 = true };
	struct isolate_prefix6 prefix = { .bits = 128 };
	bool in = way.direction == ISOLATE_IN;
	struct ip6_fragment fragment = {};
	__u32 offset = 0;
	struct ipv6hdr ip;
	__u8 next;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return BECAUSE(ISOLATE_MALFORMED);
	if (ip.version != 6)
		return BECAUSE(ISOLATE_MALFORMED);
	__builtin_memcpy(talk.ends.peer, in ? &ip.saddr : &ip.daddr, 16);
	__builtin_memcpy(talk.ends.local, in ? &ip.daddr : &ip.saddr, 16);
	__builtin_memcpy(prefix.address, talk.ends.peer, 16);
	talk.peer = bpf_map_lookup_elem(&peers6, &prefix);
	talk.hop_limit = ip.hop_limit;
	next = ip.nexthdr;
	at += sizeof(ip);
	/* Hop-by-hop options, which come first: listener reports need them, and the
	 * kernel itself writes them before very large packets. */
	if (next == IPPROTO_HOPOPTS) {
		__u8 head[2];

		if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
			return BECAUSE(ISOLATE_MALFORMED);
		next = head[0];
		at += (head[1] + 1) * 8;
	}
	if (next == IPPROTO_FRAGMENT) {
		if (bpf_skb_load_bytes(skb, at, &fragment, sizeof(fragment)))
			return BECAUSE(ISOLATE_MALFORMED);
		next = fragment.next;
		offset = bpf_ntohs(fragment.offset);
		talk.is_fragment = offset & (IP6_FRAGMENT_OFFSET | IP6_MORE_FRAGMENTS);
		offset &= IP6_FRAGMENT_OFFSET;
		at += sizeof(fragment);
		if (talk.is_fragment && !offset &&
		    bpf_ntohs(ip.payload_len) < sizeof(fragment) + sizeof(struct tcphdr))
			return BECAUSE(ISOLATE_FRAGMENT);
	}
	/* A routing header leads elsewhere, a home address comes from elsewhere. */
	if (next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS || next == IPPROTO_HOPOPTS ||
	    next == IPPROTO_FRAGMENT || next == IPPROTO_NONE || next == IPPROTO_MH)
		return BECAUSE(ISOLATE_EXTENSION);
	talk.ends.protocol = next;
	return judge_whole(skb, way, at, offset, fragment.number, &talk);
}

/* Who has which IPv4 address on this link; it goes no further than the link. */
static __always_inline int judge_arp(struct __sk_buff *skb, __u32 at)
{
	struct arp_ipv4 arp;

	if (bpf_skb_load_bytes(skb, at, &arp, sizeof(arp)))
		return BECAUSE(ISOLATE_MALFORMED);
	if (arp.hardware != bpf_htons(ARPHRD_ETHER) || arp.protocol != bpf_htons(ETH_P_IP) ||
	    arp.hardware_len != ETH_ALEN || arp.protocol_len != 4)
		return BECAUSE(ISOLATE_MALFORMED);
	if (arp.operation != bpf_htons(ARPOP_REQUEST) && arp.operation != bpf_htons(ARPOP_REPLY))
		return BECAUSE(ISOLATE_ETHERTYPE);
	return ISOLATE_ARP;
}

/* 01:80:c2:00:00:0x, which no bridge passes on. */
static __always_inline bool is_reserved_mac(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && !mac[3] && !mac[4] &&
	       mac[5] < 0x10;
}

static __always_inline int judge_ethernet(struct __sk_buff *skb, struct way way,
					  const struct isolate_config *settings)
{
	struct ethhdr ethernet;
	struct vlan_tag tag;
	__u32 at = sizeof(ethernet);
	__u16 type;

	if (bpf_skb_load_bytes(skb, 0, &ethernet, sizeof(ethernet)))
		return BECAUSE(ISOLATE_MALFORMED);
	type = bpf_ntohs(ethernet.h_proto);
#pragma unroll
	for (int tags = 0; tags < 2; tags++) {
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		if (bpf_skb_load_bytes(skb, at, &tag, sizeof(tag)))
			return BECAUSE(ISOLATE_MALFORMED);
		type = bpf_ntohs(tag.type);
		at += sizeof(tag);
	}
	switch (type) {
	case ETH_P_IP:
		return judge_ipv4(skb, way, at, settings);
	case ETH_P_IPV6:
		return judge_ipv6(skb, way, at, settings);
	case ETH_P_ARP:
		return judge_arp(skb, at);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return BECAUSE(ISOLATE_VLAN);
	case ETH_P_SLOW:
		/* Without LACP a bond goes down, and with it the way back. */
		return is_reserved_mac(ethernet.h_dest) ? ISOLATE_LINK_CONTROL
							: BECAUSE(ISOLATE_ETHERTYPE);
	case ETH_P_PAE:
		/* Without EAPOL a wireless network rejects us at its next change of
		 * keys. It goes from us to the access point and no further. */
		return ISOLATE_LINK_CONTROL;
	default:
		return BECAUSE(ISOLATE_ETHERTYPE);
	}
}

static __always_inline int judge_ip(struct __sk_buff *skb, struct way way,
				    const struct isolate_config *settings)
{
	__u8 version;

	if (bpf_skb_load_bytes(skb, 0, &version, sizeof(version)))
		return BECAUSE(ISOLATE_MALFORMED);
	switch (version >> 4) {
	case 4:
		return judge_ipv4(skb, way, 0, settings);
	case 6:
		return judge_ipv6(skb, way, 0, settings);
	default:
		return BECAUSE(ISOLATE_MALFORMED);
	}
}

static __always_inline int judge(struct __sk_buff *skb, struct way way,
				 const struct isolate_config *settings)
{
	switch (way.link) {
	case ISOLATE_ETHERNET:
		return judge_ethernet(skb, way, settings);
	case ISOLATE_IP:
		return judge_ip(skb, way, settings);
	default:
		return BECAUSE(ISOLATE_LINK_LAYER);
	}
}
