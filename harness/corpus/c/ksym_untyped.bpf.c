/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Untyped .ksyms externs: addresses out of kallsyms. */
#include "corpus.h"

extern const void vfs_write __ksym;
extern const void vfs_read __ksym;

__u64 vfs_write_address;
__u64 vfs_read_address;
__u64 hits;

SEC("raw_tp/sys_enter")
int read_addresses(void *ctx)
{
	vfs_write_address = (__u64)&vfs_write;
	vfs_read_address = (__u64)&vfs_read;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
