/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uretprobe.multi: counts the returns of a function. Kernel: 6.6 */
#include "corpus.h"

__u64 hits;

SEC("uretprobe.multi//tmp/trapline-probed:probed_one")
int on_uretprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
