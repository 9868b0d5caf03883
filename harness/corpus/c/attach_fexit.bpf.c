/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fexit: counts the returns of a function that only the test makes. */
#include "corpus.h"

__u64 hits;

SEC("fexit/__x64_sys_setdomainname")
int BPF_PROG(on_fexit)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
