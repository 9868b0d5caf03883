/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fentry of a function that is in a module on 6.1, in the kernel later. */
#include "corpus.h"

__u64 hits;

SEC("fentry/port_fops_open")
int BPF_PROG(on_open)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
