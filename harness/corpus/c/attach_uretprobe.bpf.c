/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uretprobe: counts the returns of a function of a small program. */
#include "corpus.h"

__u64 hits;

SEC("uretprobe//tmp/trapline-probed:probed_two")
int on_uretprobe(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
