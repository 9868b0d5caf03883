/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that are only loaded when asked for. */
#include "corpus.h"

SEC("?raw_tp/sys_enter")
int on_raw_tp_sys_enter(void *ctx)
{
	return XDP_PASS;
}

SEC("?tp/sched/sched_process_exit")
int on_tp_sched_sched_process_exit(void *ctx)
{
	return XDP_PASS;
}

SEC("?xdp")
int on_xdp(void *ctx)
{
	return XDP_PASS;
}

SEC("raw_tp/sys_exit")
int on_raw_tp_sys_exit(void *ctx)
{
	return XDP_PASS;
}
