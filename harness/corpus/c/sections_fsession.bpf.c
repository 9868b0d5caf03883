/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entry and return of a function in one program. Kernel: 7.0 */
#include "corpus.h"

SEC("fsession/vfs_read")
int on_fsession_vfs_read(void *ctx)
{
	return 0;
}

SEC("fsession.s/__x64_sys_openat")
int on_fsession_s___x64_sys_openat(void *ctx)
{
	return 0;
}
