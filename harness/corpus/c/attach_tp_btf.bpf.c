/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tp_btf: counts a system call that only the test makes, by its number. */
#include "corpus.h"

#define SETDOMAINNAME 171

struct pt_regs;

__u64 hits;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	if (id == SETDOMAINNAME)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
