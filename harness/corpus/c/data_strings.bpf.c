/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text constants, which the compiler puts into mergeable sections. */
#include "corpus.h"

SEC("raw_tp/sys_enter")
int say(void *ctx)
{
	bpf_printk("one %d", 1);
	bpf_printk("two %d %d", 1, 2);
	bpf_trace_printk("plain", 6);
	return 0;
}
