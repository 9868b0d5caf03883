/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the isolation's programs and whoever loads them share: the values of maps
 * and the numbers in them. The Rust side is src/isolate/abi.rs; a test compares
 * both.
 */
#pragma once

#include <linux/types.h>

enum isolate_limit {
	/* Rules at most: bits of a set. */
	ISOLATE_RULES = 256,
	ISOLATE_WORDS = 4,
	/* Maps of programs: for interfaces, for sockets in and out. */
	ISOLATE_GATES = 3,
};

enum isolate_direction {
	ISOLATE_IN = 0,
	ISOLATE_OUT = 1,
	ISOLATE_DIRECTIONS = 2,
};

/* What an interface's packets begin with. */
enum isolate_link {
	/* An Ethernet header. */
	ISOLATE_ETHERNET = 0,
	/* The IP header. */
	ISOLATE_IP = 1,
	/* Something that is not understood here: nothing passes. */
	ISOLATE_OTHER = 2,
	ISOLATE_LINKS = 3,
};

/* Who dropped a packet. */
enum isolate_place {
	ISOLATE_AT_INTERFACE = 0,
	/* A program on the root of the control groups, for sockets. */
	ISOLATE_AT_SOCKET = 1,
};

/* Why a packet was dropped. */
enum isolate_reason {
	/* No rule names the peer. */
	ISOLATE_ADDRESS = 1,
	/* Rules name the peer, but not this port. */
	ISOLATE_PORT = 2,
	/* Neither TCP nor UDP nor ICMP: tunnels above all. */
	ISOLATE_PROTOCOL = 3,
	/* ICMP that no allowed flow needs. */
	ISOLATE_ICMP = 4,
	/* A later fragment whose first one was not allowed, or not seen. */
	ISOLATE_FRAGMENT = 5,
	/* IPv4 options: a source route leads elsewhere than the header says. */
	ISOLATE_OPTIONS = 6,
	/* An IPv6 extension header other than hop-by-hop and fragment. */
	ISOLATE_EXTENSION = 7,
	/* More than two VLAN tags. */
	ISOLATE_VLAN = 8,
	/* Neither IP nor what IP and the link itself need. */
	ISOLATE_ETHERTYPE = 9,
	/* An interface whose packets are not understood. */
	ISOLATE_LINK_LAYER = 10,
	/* Cut short, or not what it says it is. */
	ISOLATE_MALFORMED = 11,
	ISOLATE_REASONS = 12,
};

/* What passes besides the rules; counted behind them. */
enum isolate_besides {
	ISOLATE_ARP = 256,
	/* IPv6 neighbour discovery. */
	ISOLATE_NEIGHBOUR = 257,
	/* IPv6 multicast listener reports, for switches that snoop. */
	ISOLATE_LISTENER = 258,
	ISOLATE_DHCP = 259,
	/* What keeps the link itself up: LACP and EAPOL. */
	ISOLATE_LINK_CONTROL = 260,
	ISOLATE_PASSED = 261,
};

enum isolate_state {
	/* Being set up: nothing is dropped yet. */
	ISOLATE_STARTING = 1,
	/* In force until it is released. */
	ISOLATE_STAYS = 2,
	/* In force while the program runs. */
	ISOLATE_WHILE_RUNNING = 3,
};

/* A set of rules: the bit of each. */
struct isolate_set {
	__u64 words[ISOLATE_WORDS];
};

struct isolate_config {
	/* Rules that name no port. */
	struct isolate_set any_port;
	/* CLOCK_BOOTTIME after which everything passes; 0: none. */
	__u64 deadline_ns;
	/* CLOCK_BOOTTIME of the start. */
	__u64 started_ns;
	/* When the program that set it up began, in ticks since boot; its pid may be
	 * another's by now. */
	__u64 pid_start;
	/* isolate_state. */
	__u32 state;
	__u32 pid;
	__u32 rules;
	/* The network namespace whose interfaces are covered. */
	__u32 netns;
	/* The numbers of the maps by which it is switched. */
	__u32 gate_ids[ISOLATE_GATES];
	__u32 padding;
};

/* Keys of the tries: how many bits count, and the address. */
struct isolate_prefix4 {
	__u32 bits;
	__u8 address[4];
};

struct isolate_prefix6 {
	__u32 bits;
	__u8 address[16];
};

struct isolate_port {
	/* In network order. */
	__be16 port;
	__u8 protocol;
	__u8 padding;
};

struct isolate_count {
	__u64 packets;
	__u64 bytes;
};

struct isolate_passed {
	struct isolate_count in;
	struct isolate_count out;
};

/* What was dropped where; the interface 0 stands for all that found no room. */
struct isolate_drop {
	__u32 ifindex;
	__u16 reason;
	__u8 direction;
	__u8 place;
};

/* A rule, for whoever asks what is in force; no program reads it. */
struct isolate_rule {
	__u8 address[16];
	/* 4 or 6. */
	__u8 family;
	__u8 bits;
	/* 0: all. */
	__u8 protocol;
	/* 0: by the command line; 1: a resolver. */
	__u8 origin;
	/* In host order; 0: all. */
	__u16 port;
	__u16 padding;
};

/* An interface that is covered, for whoever releases it; no program reads it. */
struct isolate_interface {
	/* isolate_link. */
	__u32 link;
	/* The qdisc was made for this. */
	__u32 made_qdisc;
};
