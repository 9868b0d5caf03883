/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SEC("maps") with types, as BPF_ANNOTATE_KV_PAIR gave them: a lock needs them. */
#include "corpus.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct locked {
	struct bpf_spin_lock lock;
	__u32 first;
	__u32 second;
};

struct bpf_map_def SEC("maps") a_map = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct locked),
	.max_entries = 64,
};

/* Only its type counts. */
struct ____btf_map_a_map {
	__u32 key;
	struct locked value;
};
struct ____btf_map_a_map SEC(".maps.a_map") ____btf_map_a_map = {};

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
