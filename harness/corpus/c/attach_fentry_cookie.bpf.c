/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fentry: counts calls that come with the cookie. Kernel: 5.19 */
#include "corpus.h"

struct bpf_tramp_link {
	__u64 cookie;
} CORE;

__u64 hits;

SEC("fentry/" SYSCALL("setdomainname"))
int on_fentry(void *ctx)
{
	/* Kernels without cookies would refuse the call, were it reached. */
	if (bpf_core_type_exists(struct bpf_tramp_link) && bpf_get_attach_cookie(ctx) == 0x1122334455667788)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
