/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/cgroup: counts the cgroups that it is given. Kernel: 6.1 */
#include "corpus.h"

struct bpf_iter_meta;
struct cgroup;
struct bpf_iter__cgroup {
	struct bpf_iter_meta *meta;
	struct cgroup *cgroup;
} CORE;

__u64 hits;

SEC("iter/cgroup")
int on_cgroup(struct bpf_iter__cgroup *ctx)
{
	if (ctx->cgroup)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
