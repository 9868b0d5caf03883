/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks that no kernel has. */
#include "corpus.h"

SEC("fentry/nope_function")
int on_fentry_nope_function(void *ctx)
{
	return 0;
}

SEC("tp_btf/nope_tracepoint")
int on_tp_btf_nope_tracepoint(void *ctx)
{
	return 0;
}

SEC("lsm/nope_hook")
int on_lsm_nope_hook(void *ctx)
{
	return 0;
}

SEC("iter/nope_iterator")
int on_iter_nope_iterator(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int on_raw_tp_sys_enter(void *ctx)
{
	return 0;
}
