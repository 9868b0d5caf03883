/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kprobe.session: counts calls that were seen to begin and to end. Kernel: 6.10 */
#include "corpus.h"

__u64 hits;
__u64 runs;

SEC("kprobe.session/" SYSCALL("setdomainname"))
int on_kprobe_session(void *ctx)
{
	/* The call, then its return: one hit in two runs. */
	if (__sync_fetch_and_add(&runs, 1) & 1)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
