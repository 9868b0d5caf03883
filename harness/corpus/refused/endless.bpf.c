/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A loop that never ends. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int spins(void *ctx)
{
	volatile int stop = 0;

	while (!stop)
		stop = 0;
	return 0;
}
