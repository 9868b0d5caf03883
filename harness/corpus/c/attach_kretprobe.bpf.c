/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kretprobe: counts the returns of a function that only the test makes. */
#include "corpus.h"

__u64 hits;

SEC("kretprobe/__x64_sys_setdomainname")
int on_kretprobe(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
