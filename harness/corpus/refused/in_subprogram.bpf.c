/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is wrong is in a function that the program calls. */
#include "../c/corpus.h"

static __noinline int inner(unsigned long address)
{
	return *(volatile int *)(address + 8);
}

SEC("raw_tp/sys_enter")
int calls(struct bpf_raw_tracepoint_args *ctx)
{
	return inner(ctx->args[1]) + 1;
}
