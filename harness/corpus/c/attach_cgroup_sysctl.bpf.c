/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/sysctl: counts the reads of /proc/sys. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/sysctl")
int on_sysctl(struct bpf_sysctl *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}
