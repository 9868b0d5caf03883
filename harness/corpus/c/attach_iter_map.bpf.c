/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/bpf_map_elem: counts the one element that a map has. */
#include "corpus.h"

struct bpf_iter_meta;
struct bpf_map;
struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} CORE;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

__u64 hits;

SEC("iter/bpf_map_elem")
int on_element(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	/* Both are missing when all elements have been. */
	if (key && value && *key == 42 && *value == 7)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
