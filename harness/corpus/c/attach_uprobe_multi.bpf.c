/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uprobe.multi: counts the calls of all functions of a pattern. Kernel: 6.6 */
#include "corpus.h"

__u64 hits;

SEC("uprobe.multi//tmp/trapline-probed:probed_o*")
int on_uprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
