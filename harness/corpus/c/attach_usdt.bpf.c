/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* usdt: counts the hits of a static probe whose argument and cookie are right. */
#include "corpus.h"

#ifdef __TARGET_ARCH_arm64
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#else
#include <linux/ptrace.h>
#endif

#include <bpf/usdt.bpf.h>

__u64 hits;

SEC("usdt//tmp/trapline-probed:trapline:site")
int BPF_USDT(on_site, int argument, long constant)
{
	if (bpf_usdt_arg_cnt(ctx) == 2 && argument == 42 && constant == -7 &&
	    bpf_usdt_cookie(ctx) == 0x1122334455667788)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
