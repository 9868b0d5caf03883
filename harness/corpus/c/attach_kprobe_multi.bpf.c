/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kprobe.multi: counts the calls of all functions of a pattern. Kernel: 5.18 */
#include "corpus.h"

__u64 hits;

SEC("kprobe.multi/" SYSCALL("s?tdomainna*"))
int on_kprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
