/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packets that tests send to themselves, so that others do not count. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

/* Where tests send to. */
#define TEST_PORT 4660

/* Is this an IPv4 packet without options, of UDP, to the tests' port? */
static __always_inline bool is_test_packet(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > data_end)
		return false;
	return eth->h_proto == bpf_htons(ETH_P_IP) && ip->ihl == 5 &&
	       ip->protocol == IPPROTO_UDP && udp->dest == bpf_htons(TEST_PORT);
}
