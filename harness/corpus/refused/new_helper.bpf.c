/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls a helper that came with Linux 6.1. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int asks_for_tai(void *ctx)
{
	return bpf_ktime_get_tai_ns() > 5;
}
