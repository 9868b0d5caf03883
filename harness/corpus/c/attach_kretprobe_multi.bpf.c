/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kretprobe.multi: counts the returns of one function, by its name. Kernel: 5.18 */
#include "corpus.h"

__u64 hits;

SEC("kretprobe.multi/" SYSCALL("setdomainname"))
int on_kretprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
