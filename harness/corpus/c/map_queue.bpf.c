/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_QUEUE: first in, first out, without keys. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 64);
	__type(value, __u64);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int push(void *ctx)
{
	__u64 value = 1;

	bpf_map_push_elem(&a_map, &value, BPF_EXIST);
	return 0;
}
