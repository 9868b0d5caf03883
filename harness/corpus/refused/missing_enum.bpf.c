/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Needs the value of an enumerator that no kernel has: a load of 64 bits. */
#include "../c/corpus.h"

enum hrtimer_mode {
	HRTIMER_NOPE = 77,
};

SEC("raw_tp/sys_enter")
int needs_enum(void *ctx)
{
	return bpf_core_enum_value(enum hrtimer_mode, HRTIMER_NOPE);
}
