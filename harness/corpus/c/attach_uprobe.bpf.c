/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uprobe: counts the calls of a function of a small program. */
#include "corpus.h"

__u64 hits;

SEC("uprobe//tmp/trapline-probed:probed_one")
int on_uprobe(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
