/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A weak kernel function that is called without asking: must be refused. */
#include "corpus.h"

extern int bpf_nobody_has_this_kfunc(int x) __ksym __weak;

SEC("raw_tp/sys_enter")
int call_without_asking(void *ctx)
{
	return bpf_nobody_has_this_kfunc(1);
}
