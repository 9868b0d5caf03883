/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_REUSEPORT_SOCKARRAY: sockets of one port. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("sk_reuseport")
int choose(struct sk_reuseport_md *md)
{
	__u32 key = 0;

	bpf_sk_select_reuseport(md, &a_map, &key, 0);
	return SK_PASS;
}
