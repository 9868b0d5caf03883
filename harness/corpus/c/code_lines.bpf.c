/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Source lines of several files: this one, its headers, and made-up ones. */
#include "corpus.h"

# 100 "made/up/first.h"
static __noinline int first(int value)
{
	return value + bpf_get_smp_processor_id();
}
# 7 "second file with spaces.c"
static __noinline int second(int value)
{
	return first(value) +
	       first(value + 1);
}
# 4000000 "far.c"
SEC("raw_tp/sys_enter")
int lines(void *ctx)
{
	return second(3);
}
