/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_F_MMAPABLE: an array that user space reads and writes through memory. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int look_up(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&a_map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
