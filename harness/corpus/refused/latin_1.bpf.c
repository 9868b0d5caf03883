/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A source line that is not UTF-8. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int not_utf8(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)(ctx->args[1] + 8); /* café */
}
