// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Cuts a host off the network, but for what the rules allow.
 *
 *   every interface but lo       at tc, ingress and egress: all that passes
 *   root of the control groups   for sockets, ingress and egress: also on
 *                                interfaces that came when nobody watched, and
 *                                in other network namespaces
 *
 * What is attached is only an entrance. It calls what judges through a map of
 * programs, the gate; where the gate is empty everything passes. So isolation
 * begins everywhere at once when the gate is filled and ends everywhere at once
 * when it is emptied; and the kernel empties a gate that nobody has pinned when
 * its last descriptor is closed, however the process ends that had it.
 */
#include "isolate_packet.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Values of TCX_NEXT and TC_ACT_UNSPEC, of TCX_DROP and TC_ACT_SHOT. */
#define TC_NEXT (-1)
#define TC_DROP 2
#define SOCKET_PASS 1
#define SOCKET_DROP 0

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ISOLATE_DIRECTIONS * ISOLATE_LINKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} gate SEC(".maps");

/* One for each direction: newer kernels want all programs of such a map to be of
 * one attach type ("bpf: Enforce expected_attach_type for tailcall compatibility"). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} gate_socket_in SEC(".maps"), gate_socket_out SEC(".maps");

/* Does it pass? */
static __always_inline bool passes(struct __sk_buff *skb, struct way way)
{
	struct isolate_config *settings;
	__u32 first = 0;
	int verdict;

	settings = bpf_map_lookup_elem(&config, &first);
	if (!settings)
		return true;
	if (settings->deadline_ns && bpf_ktime_get_boot_ns() >= settings->deadline_ns)
		return true;
	verdict = judge(skb, way, settings);
	if (verdict < 0) {
		count_dropped(skb, way, -verdict);
		return false;
	}
	/* A packet of a socket is counted where it leaves the host. */
	if (way.place == ISOLATE_AT_INTERFACE)
		count_passed(skb, way, verdict);
	return true;
}

/* The second entrance is to take the place of the first without a gap, where
 * another program has come before it. */
#define INTERFACE(name, way_of, link_of)                                                       \
	SEC("tc")                                                                              \
	int enter_##name(struct __sk_buff *skb)                                                \
	{                                                                                      \
		bpf_tail_call(skb, &gate, way_of * ISOLATE_LINKS + link_of);                   \
		return TC_NEXT;                                                                \
	}                                                                                      \
	SEC("tc")                                                                              \
	int again_##name(struct __sk_buff *skb)                                                \
	{                                                                                      \
		bpf_tail_call(skb, &gate, way_of * ISOLATE_LINKS + link_of);                   \
		return TC_NEXT;                                                                \
	}                                                                                      \
	SEC("tc")                                                                              \
	int name(struct __sk_buff *skb)                                                        \
	{                                                                                      \
		const struct way way = {                                                       \
			.direction = way_of,                                                   \
			.place = ISOLATE_AT_INTERFACE,                                         \
			.link = link_of,                                                       \
		};                                                                             \
		return passes(skb, way) ? TC_NEXT : TC_DROP;                                   \
	}

INTERFACE(in_ethernet, ISOLATE_IN, ISOLATE_ETHERNET)
INTERFACE(in_ip, ISOLATE_IN, ISOLATE_IP)
INTERFACE(in_other, ISOLATE_IN, ISOLATE_OTHER)
INTERFACE(out_ethernet, ISOLATE_OUT, ISOLATE_ETHERNET)
INTERFACE(out_ip, ISOLATE_OUT, ISOLATE_IP)
INTERFACE(out_other, ISOLATE_OUT, ISOLATE_OTHER)

#define SOCKET(name, section, way_of)                                                          \
	SEC("cgroup_skb/" section)                                                             \
	int enter_##name(struct __sk_buff *skb)                                                \
	{                                                                                      \
		bpf_tail_call(skb, &gate_##name, 0);                                           \
		return SOCKET_PASS;                                                            \
	}                                                                                      \
	SEC("cgroup_skb/" section)                                                             \
	int name(struct __sk_buff *skb)                                                        \
	{                                                                                      \
		const struct way way = {                                                       \
			.direction = way_of,                                                   \
			.place = ISOLATE_AT_SOCKET,                                            \
			.link = ISOLATE_IP,                                                    \
		};                                                                             \
		/* What a host says to itself leaves it not. */                                \
		if (skb->ifindex == LOOPBACK || passes(skb, way))                              \
			return SOCKET_PASS;                                                    \
		return SOCKET_DROP;                                                            \
	}

SOCKET(socket_in, "ingress", ISOLATE_IN)
SOCKET(socket_out, "egress", ISOLATE_OUT)
