/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads past a map's value by an index that nobody has checked. */
#include "../c/corpus.h"

struct value {
	__u32 entries[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} table SEC(".maps");

SEC("xdp")
int unbounded_index(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&table, &key);

	if (!value)
		return XDP_PASS;
	return value->entries[ctx->rx_queue_index & 0xf];
}
