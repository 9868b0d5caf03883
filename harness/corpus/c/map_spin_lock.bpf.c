/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* struct bpf_spin_lock: values that are copied under a lock. */
#include "corpus.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 first;
	__u32 second;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct locked);
} a_map SEC(".maps");

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 key = 1;
	struct locked *value = bpf_map_lookup_elem(&a_map, &key);

	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	value->first++;
	value->second++;
	bpf_spin_unlock(&value->lock);
	return 0;
}
