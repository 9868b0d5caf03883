/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ksyscall: counts a system call that only the test makes. */
#include "corpus.h"

__u64 hits;

SEC("ksyscall/setdomainname")
int on_ksyscall(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
