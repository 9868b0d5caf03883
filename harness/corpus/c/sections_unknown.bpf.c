/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A section that nobody knows, beside one that everybody does. */
#include "corpus.h"

SEC("raw_tp/sys_enter")
int on_raw_tp_sys_enter(void *ctx)
{
	return 0;
}

SEC("somewhere/else")
int on_somewhere_else(void *ctx)
{
	return 0;
}
