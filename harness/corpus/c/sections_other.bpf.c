/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the rest: perf events, infrared, system calls, netfilter. */
#include "corpus.h"

SEC("perf_event")
int on_perf_event(void *ctx)
{
	return 0;
}

SEC("lirc_mode2")
int on_lirc_mode2(void *ctx)
{
	return 0;
}

SEC("syscall")
int on_syscall(void *ctx)
{
	return 0;
}
