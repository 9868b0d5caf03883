/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_CGROUP_STORAGE: a value where a program is attached. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&a_map, 0);

	__sync_fetch_and_add(value, 1);
	return 1;
}
