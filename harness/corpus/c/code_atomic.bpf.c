// cpu: v3
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Atomic operations that give something back. Kernel: 5.12 */
#include "corpus.h"

__u64 counter;
__u32 narrow;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	__u64 old = __sync_fetch_and_add(&counter, 1);

	old += __sync_fetch_and_or(&counter, 2);
	old += __sync_val_compare_and_swap(&counter, 5, 6);
	old += __sync_lock_test_and_set(&narrow, 7);
	return (int)old;
}
