/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One body, two flavours: where a function is entered. */
#pragma once

#include "kernel.h"

#include <linux/bpf.h>
#include "arch.bpf.h"
#define __VMLINUX_H__ /* bpf_tracing.h: the kernel's names of registers */
#include <bpf/bpf_tracing.h>

/* `call` sees the arguments by their names, and `way`: how to read what they point to. */
#define ENTRY_HOOKS(name, function, call, ...)                                                 \
	SEC("fentry/" function)                                                                \
	int BPF_PROG(name##_fentry, ##__VA_ARGS__)                                             \
	{                                                                                      \
		const enum way way __attribute__((unused)) = DIRECT;                           \
		return leave(ctx, call);                                                       \
	}                                                                                      \
	SEC("kprobe/" function)                                                                \
	int BPF_KPROBE(name##_kprobe, ##__VA_ARGS__)                                           \
	{                                                                                      \
		const enum way way __attribute__((unused)) = PROBE;                            \
		return leave(ctx, call);                                                       \
	}
