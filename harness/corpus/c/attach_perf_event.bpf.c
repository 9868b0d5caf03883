/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* perf_event: counts the page faults of one page. */
#include "corpus.h"

#include <linux/bpf_perf_event.h>

const volatile __u64 page = 0;
__u64 hits;

SEC("perf_event")
int on_page_fault(struct bpf_perf_event_data *ctx)
{
	if (ctx->addr >> 12 == page >> 12)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
