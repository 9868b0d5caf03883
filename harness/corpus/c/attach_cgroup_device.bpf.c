/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/dev: counts the devices that are opened. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/dev")
int on_device(struct bpf_cgroup_dev_ctx *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
