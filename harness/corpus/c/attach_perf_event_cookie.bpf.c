/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* perf_event: counts the page faults of one page that come with the cookie. Kernel: 5.15 */
#include "corpus.h"

#include <linux/bpf_perf_event.h>

const volatile __u64 page = 0;
__u64 hits;

SEC("perf_event")
int on_page_fault(struct bpf_perf_event_data *ctx)
{
	if (ctx->addr >> 12 != page >> 12)
		return 0;
	/* Kernels without cookies would refuse the call, were it reached. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie) &&
	    bpf_get_attach_cookie(ctx) == 0x1122334455667788)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
