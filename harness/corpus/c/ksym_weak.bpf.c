/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Weak .ksyms externs that no kernel has: their addresses are 0. */
#include "corpus.h"

/* Defined, if only by name: a declaration is compatible with no type. */
struct rq {};
extern const void nobody_has_this_symbol __ksym __weak;
extern const struct rq nobody_has_this_variable __ksym __weak;

bool untyped;
bool typed;
__u64 hits;

SEC("raw_tp/sys_enter")
int read_addresses(void *ctx)
{
	untyped = &nobody_has_this_symbol != NULL;
	typed = &nobody_has_this_variable != NULL;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
