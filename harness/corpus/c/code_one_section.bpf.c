/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Several programs in one section, each with own calls. */
#include "corpus.h"

static __noinline int shared(int value)
{
	return bpf_get_smp_processor_id() ^ value;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int one(void *ctx)
{
	return shared(1);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int two(void *ctx)
{
	return bpf_get_prandom_u32();
}

SEC("tracepoint/syscalls/sys_enter_openat")
int three(void *ctx)
{
	return shared(3) + shared(4);
}
