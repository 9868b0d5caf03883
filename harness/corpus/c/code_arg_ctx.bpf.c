/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Global functions that are given the context. Kernel: 6.8 reads the tag. */
#include "corpus.h"

#ifndef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#endif

#ifdef __TARGET_ARCH_arm64
#define SETDOMAINNAME 162
#else
#define SETDOMAINNAME 171
#endif

__u64 hits;
const volatile __u32 pid;

__noinline int is_number(void *ctx __arg_ctx, __u32 number)
{
	struct bpf_raw_tracepoint_args *args = ctx;

	return args->args[1] == number;
}

__noinline int count(__u32 number, __u64 *ctx __arg_ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	if (ctx[1] == number && is_number(ctx, number))
		hits++;
	return 0;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	return count(SETDOMAINNAME, ctx);
}
