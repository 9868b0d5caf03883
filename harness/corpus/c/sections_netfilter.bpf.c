/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet filter hook. Kernel: 6.4 */
#include "corpus.h"

SEC("netfilter")
int on_netfilter(void *ctx)
{
	return 1;
}
