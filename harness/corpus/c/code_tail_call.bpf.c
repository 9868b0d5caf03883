/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tail calls from a program and from a static function. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jumps SEC(".maps");

static __noinline int jump(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	return 1;
}

SEC("tc")
int enter(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jumps, 0);
	return jump(skb);
}

SEC("tc")
int target(struct __sk_buff *skb)
{
	return skb->len;
}
