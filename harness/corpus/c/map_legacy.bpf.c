/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SEC("maps"): a definition without types, as libbpf 1.0 and later refuse it. */
#include "corpus.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct bpf_map_def SEC("maps") a_map = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 64,
};

SEC("raw_tp/sys_enter")
int look_up(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&a_map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
