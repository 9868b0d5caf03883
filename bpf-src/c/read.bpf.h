/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading kernel memory, in the way that the calling hook allows.
 *
 * fentry, fexit and tp_btf programs hold typed pointers, which the verifier
 * lets them follow with plain loads: one instruction each. kprobes hold bare
 * addresses, for which each field costs a helper call. A hook's body is
 * written once and takes the way as its first argument, a constant in every
 * wrapper, so that only one branch is ever compiled.
 */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum way {
	DIRECT, /* typed pointers: plain loads */
	PROBE, /* bare addresses: bpf_probe_read_kernel */
};

#define READ(way, pointer, field)                                  \
	({                                                         \
		typeof((pointer)->field) __value;                  \
		if ((way) == DIRECT)                               \
			__value = (pointer)->field;                \
		else                                               \
			bpf_core_read(&__value, sizeof(__value),   \
				      &(pointer)->field);          \
		__value;                                           \
	})

/*
 * Keeps `value` at or below the constant `most`, and makes the verifier see
 * it: the compiler may otherwise test one register and use another. The usual
 * case falls through, because the verifier follows that one first and then
 * finds the other, a single number, to be a part of it.
 */
#define CLAMP(value, most)                                         \
	asm volatile("if %0 > %1 goto +1\n\tgoto +1\n\t%0 = %1"     \
		     : "+r"(value)                                  \
		     : "i"(most))
