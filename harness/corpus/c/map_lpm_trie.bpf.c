/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_LPM_TRIE: longest prefix. */
#include "corpus.h"

struct prefix {
	__u32 length;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int look_up(void *ctx)
{
	struct prefix key = { 32, 1 };
	__u64 *value = bpf_map_lookup_elem(&a_map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
