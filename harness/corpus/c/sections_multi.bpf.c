/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of probes of many functions at once. Kernel: 5.18 to 6.13 */
#include "corpus.h"

SEC("kprobe.multi/vfs_*")
int on_kprobe_multi_vfs_x(void *ctx)
{
	return 0;
}

SEC("kretprobe.multi/vfs_?ead")
int on_kretprobe_multi_vfs_yead(void *ctx)
{
	return 0;
}

SEC("kprobe.session/vfs_*")
int on_kprobe_session_vfs_x(void *ctx)
{
	return 0;
}

SEC("uprobe.multi//bin/sh:m*")
int on_uprobe_multi__bin_sh_mx(void *ctx)
{
	return 0;
}

SEC("uretprobe.multi//bin/sh:m*")
int on_uretprobe_multi__bin_sh_mx(void *ctx)
{
	return 0;
}

SEC("uprobe.session//bin/sh:m*")
int on_uprobe_session__bin_sh_mx(void *ctx)
{
	return 0;
}

SEC("uprobe.multi.s//bin/sh:m*")
int on_uprobe_multi_s__bin_sh_mx(void *ctx)
{
	return 0;
}

SEC("uretprobe.multi.s//bin/sh:m*")
int on_uretprobe_multi_s__bin_sh_mx(void *ctx)
{
	return 0;
}

SEC("uprobe.session.s//bin/sh:m*")
int on_uprobe_session_s__bin_sh_mx(void *ctx)
{
	return 0;
}
