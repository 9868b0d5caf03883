/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads through a number. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int read_scalar(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)(ctx->args[1] + 8);
}
