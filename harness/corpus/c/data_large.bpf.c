/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* .bss: a variable of many pages. */
#include "corpus.h"

__u8 table[1 << 16];
__u32 at;

SEC("raw_tp/sys_enter")
int mark(void *ctx)
{
	table[at & 0xffff] = 1;
	at++;
	return 0;
}
