/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_SK_STORAGE: a value at each socket. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u64 *value;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	value = bpf_sk_storage_get(&a_map, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 1;
}
