/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP and UDP between known ends: does a rule allow it?
 *
 * The port of a rule is a service's, on whichever side it is: the first segment
 * of a connection goes to it, and so does the first datagram. Whoever answers may
 * only answer. So an allowed peer that sends from the port of a rule reaches no
 * other port here.
 */
#pragma once

#include <linux/tcp.h>
#include <linux/udp.h>

#include "isolate_icmp.bpf.h"

/* How long an answer may take, as connection tracking has it. */
#define FLOW_SECONDS 180
/* A DHCP server may take its time. */
#define DHCP_SECONDS 60
/* Linux itself forgets fragments after 30 s. */
#define FRAGMENTS_SECONDS 30

#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547

static __always_inline void set_ports(struct talk *talk, struct way way, __be16 source, __be16 dest)
{
	talk->ends.peer_port = way.direction == ISOLATE_IN ? source : dest;
	talk->ends.local_port = way.direction == ISOLATE_IN ? dest : source;
}

static __always_inline int no_rule(const struct talk *talk)
{
	return talk->peer ? BECAUSE(ISOLATE_PORT) : BECAUSE(ISOLATE_ADDRESS);
}

static __always_inline int judge_tcp(struct __sk_buff *skb, struct way way, __u32 at,
				     struct talk *talk)
{
	const struct isolate_set *to = NULL, *from = NULL;
	struct tcphdr tcp;
	__u32 rule;

	if (!talk->peer)
		return BECAUSE(ISOLATE_ADDRESS);
	if (bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)))
		return BECAUSE(ISOLATE_MALFORMED);
	/* Who opens goes to the service, who accepts comes from it; nobody can
	 * make a connection without these two. */
	if (!tcp.syn || !tcp.ack)
		to = rules_of_port(tcp.dest, IPPROTO_TCP);
	if (!tcp.syn || tcp.ack)
		from = rules_of_port(tcp.source, IPPROTO_TCP);
	rule = first_rule(talk->peer, talk->any_port, to, from);
	return rule == NONE ? BECAUSE(ISOLATE_PORT) : (int)rule;
}

/*
 * DHCP to and from anybody would be a way out, so only this passes: what is asked
 * of all on the link, and for a minute what is answered to it. A client whose
 * renewals to its server find no answer asks all (rebinding), and so keeps its
 * address. Of DHCPv6 all is on the link.
 */
static __always_inline int judge_dhcp(struct __sk_buff *skb, struct way way, struct talk *talk)
{
	struct ends asked = { .number = skb->ifindex, .kind = MEMORY_DHCP };
	__u16 peer_port = bpf_ntohs(talk->ends.peer_port);
	__u16 local_port = bpf_ntohs(talk->ends.local_port);
	const __u8 *peer = talk->ends.peer;

	if (talk->is_fragment)
		return no_rule(talk);
	if (talk->is_ipv6) {
		bool on_link = way.direction == ISOLATE_IN ? is_link_local(peer)
							   : is_link_multicast(peer);

		if (peer_port == DHCP6_SERVER && local_port == DHCP6_CLIENT && on_link)
			return ISOLATE_DHCP;
		return no_rule(talk);
	}
	if (peer_port != DHCP_SERVER || local_port != DHCP_CLIENT)
		return no_rule(talk);
	if (way.direction == ISOLATE_IN)
		return recall(&asked, DHCP_SECONDS) == NONE ? no_rule(talk) : ISOLATE_DHCP;
	if ((peer[0] & peer[1] & peer[2] & peer[3]) != 0xff)
		return no_rule(talk);
	remember(&asked, ISOLATE_DHCP);
	return ISOLATE_DHCP;
}

static __always_inline int judge_udp(struct __sk_buff *skb, struct way way, __u32 at,
				     struct talk *talk)
{
	struct udphdr udp;
	__u32 rule;

	if (bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)))
		return BECAUSE(ISOLATE_MALFORMED);
	set_ports(talk, way, udp.source, udp.dest);
	if (!talk->peer)
		return judge_dhcp(skb, way, talk);
	talk->ends.kind = MEMORY_FLOW;
	rule = first_rule(talk->peer, talk->any_port, rules_of_port(udp.dest, IPPROTO_UDP), NULL);
	/* Where all ports are allowed there is nothing to remember for the answer. */
	if (rule != NONE && first_rule(talk->peer, talk->any_port, NULL, NULL) != NONE)
		return rule;
	if (rule == NONE) {
		rule = first_rule(talk->peer, NULL, NULL, rules_of_port(udp.source, IPPROTO_UDP));
		if (rule == NONE || recall(&talk->ends, FLOW_SECONDS) == NONE)
			return judge_dhcp(skb, way, talk);
	}
	remember(&talk->ends, rule);
	return rule;
}

static __always_inline int judge_talk(struct __sk_buff *skb, struct way way, __u32 at,
				      struct talk *talk)
{
	switch (talk->ends.protocol) {
	case IPPROTO_TCP:
		return judge_tcp(skb, way, at, talk);
	case IPPROTO_UDP:
		return judge_udp(skb, way, at, talk);
	case IPPROTO_ICMP:
		return talk->is_ipv6 ? BECAUSE(ISOLATE_PROTOCOL) : judge_icmp(skb, way, at, talk);
	case IPPROTO_ICMPV6:
		return talk->is_ipv6 ? judge_icmp6(skb, way, at, talk) : BECAUSE(ISOLATE_PROTOCOL);
	default:
		/* Also from an allowed peer: inside could be a packet of anybody. */
		return BECAUSE(ISOLATE_PROTOCOL);
	}
}
