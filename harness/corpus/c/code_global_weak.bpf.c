/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Weak functions, and a weak program. */
#include "corpus.h"

__weak __noinline int fallback(int value)
{
	return value + bpf_get_smp_processor_id();
}

SEC("raw_tp/sys_enter")
int strong(void *ctx)
{
	return fallback(1);
}

__weak SEC("raw_tp/sys_exit")
int weak(void *ctx)
{
	return fallback(2);
}
