/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tp_btf: counts system calls that come with the cookie. Kernel: 6.10 */
#include "corpus.h"

#ifdef __TARGET_ARCH_x86
#define SETDOMAINNAME 171
#else
#define SETDOMAINNAME 162
#endif

struct bpf_raw_tp_link {
	__u64 cookie;
} CORE;

__u64 hits;

SEC("tp_btf/sys_enter")
int on_sys_enter(__u64 *ctx)
{
	if (ctx[1] != SETDOMAINNAME)
		return 0;
	/* Kernels without cookies would refuse the call, were it reached. */
	if (bpf_core_field_exists(struct bpf_raw_tp_link, cookie) &&
	    bpf_get_attach_cookie(ctx) == 0x1122334455667788)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
