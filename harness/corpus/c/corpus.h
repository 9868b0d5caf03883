/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all objects of the corpus begin with. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Attributes of 64 bits, for headers that are too old to have this. */
#ifndef __ulong
#define CORPUS_GLUED(a, b) a##b
#define CORPUS_GLUE(a, b) CORPUS_GLUED(a, b)
#define __ulong(name, value) enum { CORPUS_GLUE(unique_value, __COUNTER__) = value } name
#endif

/* Kernel types as far as an object needs them; CO-RE finds the rest. */
#define CORE __attribute__((preserve_access_index))

/* The function behind a system call. */
#ifdef __TARGET_ARCH_arm64
#define SYSCALL(name) "__arm64_sys_" name
#else
#define SYSCALL(name) "__x64_sys_" name
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
