/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks a function that no kernel has. */
#include "../c/corpus.h"

SEC("fentry/no_such_function")
int BPF_PROG(on_nothing)
{
	return 0;
}

SEC("kprobe/no_such_function")
int on_nothing_either(void *ctx)
{
	return 0;
}
