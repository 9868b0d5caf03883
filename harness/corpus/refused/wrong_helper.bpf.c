/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls a helper that programs of its kind do not have. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int changes_packets(void *ctx)
{
	return bpf_xdp_adjust_head(ctx, 4);
}
