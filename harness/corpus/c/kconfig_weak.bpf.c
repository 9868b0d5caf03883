/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Weak .kconfig externs: what is not configured is zero. */
#include "corpus.h"

extern bool CONFIG_NOBODY_HAS_THIS_OPTION __kconfig __weak;
extern int LINUX_NOBODY_KNOWS_THIS __kconfig __weak;
extern unsigned int CONFIG_HZ __kconfig __weak;

unsigned int hz;
bool absent;
int unknown;
__u64 hits;

SEC("raw_tp/sys_enter")
int read_config(void *ctx)
{
	absent = CONFIG_NOBODY_HAS_THIS_OPTION;
	unknown = LINUX_NOBODY_KNOWS_THIS;
	hz = CONFIG_HZ;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
