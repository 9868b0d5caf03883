/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fentry.multi: counts the calls of all functions of a pattern. Kernel: 7.2 */
#include "corpus.h"

__u64 hits;

SEC("fentry.multi/" SYSCALL("s?tdomainna*"))
int on_fentry_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
