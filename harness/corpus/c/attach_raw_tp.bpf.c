/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* raw_tp: counts a system call that only the test makes, by its number. */
#include "corpus.h"

#define SETDOMAINNAME 171

__u64 hits;

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == SETDOMAINNAME)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
