/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of probes of kernel and user functions, with and without offset. */
#include "corpus.h"

SEC("kprobe")
int on_kprobe(void *ctx)
{
	return 0;
}

SEC("kprobe/do_exit")
int on_kprobe_do_exit(void *ctx)
{
	return 0;
}

SEC("kprobe/do_exit+0x4")
int on_kprobe_do_exit_0x4(void *ctx)
{
	return 0;
}

SEC("kretprobe/do_exit")
int on_kretprobe_do_exit(void *ctx)
{
	return 0;
}

SEC("ksyscall/openat")
int on_ksyscall_openat(void *ctx)
{
	return 0;
}

SEC("kretsyscall/openat")
int on_kretsyscall_openat(void *ctx)
{
	return 0;
}

SEC("uprobe")
int on_uprobe(void *ctx)
{
	return 0;
}

SEC("uprobe//bin/sh:main")
int on_uprobe__bin_sh_main(void *ctx)
{
	return 0;
}

SEC("uprobe//bin/sh:main+0x8")
int on_uprobe__bin_sh_main_0x8(void *ctx)
{
	return 0;
}

SEC("uretprobe//bin/sh:main")
int on_uretprobe__bin_sh_main(void *ctx)
{
	return 0;
}

SEC("uprobe.s//bin/sh:main")
int on_uprobe_s__bin_sh_main(void *ctx)
{
	return 0;
}

SEC("uretprobe.s//bin/sh:main")
int on_uretprobe_s__bin_sh_main(void *ctx)
{
	return 0;
}
