/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uprobe: counts calls that come with the cookie. Kernel: 5.15 */
#include "corpus.h"

__u64 hits;

SEC("uprobe//tmp/trapline-probed:probed_one")
int on_uprobe(void *ctx)
{
	/* Kernels without cookies would refuse the call, were it reached. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie) && bpf_get_attach_cookie(ctx) == 0x1122334455667788)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
