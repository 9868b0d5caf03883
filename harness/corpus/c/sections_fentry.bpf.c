/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of programs around kernel functions, sleepable ones too. */
#include "corpus.h"

SEC("fentry/do_exit")
int on_fentry_do_exit(void *ctx)
{
	return 0;
}

SEC("fentry/vfs_read")
int on_fentry_vfs_read(void *ctx)
{
	return 0;
}

SEC("fexit/vfs_read")
int on_fexit_vfs_read(void *ctx)
{
	return 0;
}

SEC("fentry.s/__x64_sys_openat")
int on_fentry_s___x64_sys_openat(void *ctx)
{
	return 0;
}

SEC("fexit.s/__x64_sys_openat")
int on_fexit_s___x64_sys_openat(void *ctx)
{
	return 0;
}

SEC("fmod_ret/__x64_sys_openat")
int on_fmod_ret___x64_sys_openat(void *ctx)
{
	return 0;
}

SEC("fmod_ret.s/__x64_sys_openat")
int on_fmod_ret_s___x64_sys_openat(void *ctx)
{
	return 0;
}
