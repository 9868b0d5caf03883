/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kretsyscall: counts the returns of a system call that only the test makes. */
#include "corpus.h"

__u64 hits;

SEC("kretsyscall/setdomainname")
int on_kretsyscall(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
