/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fexit.multi: counts the returns of one function, by its name. Kernel: 7.2 */
#include "corpus.h"

__u64 hits;

SEC("fexit.multi/" SYSCALL("setdomainname"))
int on_fexit_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
