/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A global function as callback. Kernel: 5.17 */
#include "corpus.h"

__noinline long each(__u32 index, void *context)
{
	return index > 5;
}

SEC("raw_tp/sys_enter")
int run(void *ctx)
{
	return (int)bpf_loop(8, each, 0, 0);
}
