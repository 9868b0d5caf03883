/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program for netfilter, which came with Linux 6.4. */
#include "../c/corpus.h"

SEC("netfilter")
int filter(void *ctx)
{
	return 1;
}
