/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A struct that kernels have twice, with a field in two places: must be refused. */
#include "corpus.h"

struct memelfnote {
	int x;
};

struct CORE elf_thread_core_info {
	struct memelfnote notes[0];
};

__u64 value;
__u64 hits;

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	value = __builtin_preserve_field_info(((struct elf_thread_core_info *)0)->notes,
					      BPF_FIELD_BYTE_OFFSET);
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
