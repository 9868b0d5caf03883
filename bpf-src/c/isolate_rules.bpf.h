/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rule lets a packet pass, in a time that does not depend on how many
 * there are: the peer's address finds the set of rules that name it, the ports
 * find the sets that name them, and the first rule in both is the one. User
 * space puts into the set of a prefix also the rules of every wider prefix
 * around it, so that the longest match alone knows all rules of an address.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "isolate.h"

#define NS_PER_SECOND 1000000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct isolate_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ISOLATE_RULES);
	__type(key, struct isolate_prefix4);
	__type(value, struct isolate_set);
} peers4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ISOLATE_RULES);
	__type(key, struct isolate_prefix6);
	__type(value, struct isolate_set);
} peers6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ISOLATE_RULES);
	__type(key, struct isolate_port);
	__type(value, struct isolate_set);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ISOLATE_PASSED);
	__type(key, __u32);
	__type(value, struct isolate_passed);
} passed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct isolate_drop);
	__type(value, struct isolate_count);
} dropped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ISOLATE_RULES);
	__type(key, __u32);
	__type(value, struct isolate_rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct isolate_interface);
} interfaces SEC(".maps");

/* What a program knows of itself; constants, once it is compiled. */
struct way {
	__u8 direction;
	__u8 place;
	__u8 link;
};

/* What is remembered of packets that passed, for those that follow from them. */
enum memory_kind {
	/* Somebody talked to an allowed UDP port: answers may come. */
	MEMORY_FLOW = 1,
	/* The first fragment passed: the others may follow. */
	MEMORY_FRAGMENTS = 2,
	/* An IPv6 neighbour that is on the link for sure. */
	MEMORY_NEIGHBOUR = 3,
	/* A DHCP client asked on an interface. */
	MEMORY_DHCP = 4,
};

/* Who talks to whom. The rest of an IPv4 address is zero. */
struct ends {
	__u8 peer[16];
	__u8 local[16];
	/* Fragments: their number; DHCP and neighbours: the interface. */
	__u32 number;
	__be16 peer_port;
	__be16 local_port;
	__u8 protocol;
	__u8 kind;
	__u16 padding;
};

struct memory {
	__u64 time_ns;
	__u64 rule;
};

/* The least recently used make room: an allowed peer can at most make another
 * allowed peer's answers be dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct ends);
	__type(value, struct memory);
} memories SEC(".maps");

/* No rule. */
#define NONE 0xffffffffU

/* A packet that does not pass. Rules, and what passes besides, are not negative. */
#define BECAUSE(reason) (-(reason))

/* What a packet needs to be judged, found by those who take it apart. */
struct talk {
	struct ends ends;
	/* The rules that name the peer; NULL where there are none. */
	const struct isolate_set *peer;
	/* Rules that name no port. */
	const struct isolate_set *any_port;
	bool is_ipv6;
	/* First of several: the ports are here, the rest is not. */
	bool is_fragment;
	__u8 hop_limit;
};

/* fe80::/10 */
static __always_inline bool is_link_local(const __u8 *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* ff02::/16 */
static __always_inline bool is_link_multicast(const __u8 *address)
{
	return address[0] == 0xff && address[1] == 0x02;
}

/* The position of the lowest of 64 bits by de Bruijn's sequence: no branches. */
static const __u8 bit_places[64] = {
	0,  1,	48, 2,	57, 49, 28, 3,	61, 58, 50, 42, 38, 29, 17, 4,	62, 55, 59, 36, 53, 51,
	43, 22, 45, 39, 33, 30, 24, 18, 12, 5,	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
	44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,	13, 8,	7,  6,
};

static __always_inline __u32 lowest_bit(__u64 bits)
{
	return bit_places[((bits & -bits) * 0x03f79d71b4cb0a89ULL) >> 58];
}

/* The first rule of the peer's that is in one of up to three sets. */
static __always_inline __u32 first_rule(const struct isolate_set *peer,
					const struct isolate_set *any,
					const struct isolate_set *to,
					const struct isolate_set *from)
{
	if (!peer)
		return NONE;
#pragma unroll
	for (__u32 word = 0; word < ISOLATE_WORDS; word++) {
		__u64 found = 0;

		if (any)
			found |= any->words[word];
		if (to)
			found |= to->words[word];
		if (from)
			found |= from->words[word];
		found &= peer->words[word];
		if (found)
			return word * 64 + lowest_bit(found);
	}
	return NONE;
}

static __always_inline const struct isolate_set *rules_of_port(__be16 port, __u8 protocol)
{
	struct isolate_port key = { .port = port, .protocol = protocol };

	return bpf_map_lookup_elem(&ports, &key);
}

static __always_inline void remember(const struct ends *ends, __u32 rule)
{
	struct memory memory = { .time_ns = bpf_ktime_get_ns(), .rule = rule };

	bpf_map_update_elem(&memories, ends, &memory, BPF_ANY);
}

/* The rule that was remembered not longer than so many seconds ago. */
static __always_inline __u32 recall(const struct ends *ends, __u64 seconds)
{
	struct memory *memory = bpf_map_lookup_elem(&memories, ends);
	__u64 now = bpf_ktime_get_ns();

	if (!memory || now - memory->time_ns > seconds * NS_PER_SECOND)
		return NONE;
	return memory->rule;
}

/* A process that is sending can be interrupted by one that is sending, too. */
static __always_inline void count(struct isolate_count *count, struct __sk_buff *skb)
{
	__sync_fetch_and_add(&count->packets, 1);
	__sync_fetch_and_add(&count->bytes, skb->len);
}

static __always_inline void count_passed(struct __sk_buff *skb, struct way way, __u32 rule)
{
	struct isolate_passed *both = bpf_map_lookup_elem(&passed, &rule);

	if (both)
		count(way.direction == ISOLATE_IN ? &both->in : &both->out, skb);
}

static __always_inline void count_dropped(struct __sk_buff *skb, struct way way, __u16 reason)
{
	struct isolate_drop key = {
		.ifindex = skb->ifindex,
		.reason = reason,
		.direction = way.direction,
		.place = way.place,
	};
	struct isolate_count *found = bpf_map_lookup_elem(&dropped, &key);

	if (!found) {
		struct isolate_count none = {};

		bpf_map_update_elem(&dropped, &key, &none, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&dropped, &key);
	}
	if (!found) {
		/* User space has made these before all others. */
		key.ifindex = 0;
		found = bpf_map_lookup_elem(&dropped, &key);
	}
	if (found)
		count(found, skb);
}
