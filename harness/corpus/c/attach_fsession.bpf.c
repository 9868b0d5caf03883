// cpu: v3
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fsession: counts calls that were seen to begin and to end. Kernel: 7.0 */
#include "corpus.h"

__u64 hits;
__u64 runs;

SEC("fsession/" SYSCALL("setdomainname"))
int on_fsession(void *ctx)
{
	/* The call, then its return: one hit in two runs. */
	if (__sync_fetch_and_add(&runs, 1) & 1)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
