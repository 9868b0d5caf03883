/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_STACK_TRACE: call stacks by number. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int trace(void *ctx)
{
	bpf_get_stackid(ctx, &a_map, BPF_F_REUSE_STACKID);
	return 0;
}
