/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* values: an array of programs that holds a program from the start. */
#include "corpus.h"

__u64 hits;

int target(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = {
	.values = { [2] = &target },
};

SEC("raw_tp/sys_enter")
int entry(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return 0;
}

SEC("raw_tp/sys_enter")
int target(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
