/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all objects of the corpus begin with. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Kernel types as far as an object needs them; CO-RE finds the rest. */
#define CORE __attribute__((preserve_access_index))

char LICENSE[] SEC("license") = "Dual BSD/GPL";
