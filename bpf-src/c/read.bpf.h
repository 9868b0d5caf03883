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

/* Kernel: since 6.2 */
extern void *bpf_rdonly_cast(const void *pointer, u32 type_id) __ksym __weak;

/*
 * A typed pointer of which the verifier asks nothing but its type. From one that
 * it trusts, each pointer that is read makes it look for the names of up to four
 * types, from the first type of the kernel to the last (6.3 to 6.19, a
 * millisecond each; since 7.0 names are sorted): most of the time that loading
 * took. Source: kernel/bpf/btf.c, btf_nested_type_is_trusted
 */
#define TYPED(way, pointer)                                                    \
	((way) == DIRECT && bpf_rdonly_cast ?                                  \
		 (typeof(pointer))bpf_rdonly_cast(                             \
			 pointer, bpf_core_type_id_kernel(typeof(*(pointer)))) : \
		 (pointer))

/*
 * An address that was kept as a number, as a pointer to this type: for plain
 * loads where `way` says so, which takes a kernel with the function above.
 */
#define POINTER(way, type, address)                                            \
	((way) == DIRECT ? (type *)bpf_rdonly_cast((void *)(address),          \
						   bpf_core_type_id_kernel(type)) : \
			   (type *)(address))

/*
 * Words of memory that may begin anywhere. The compiler takes the alignment of
 * what they are part of, and makes eight loads of bytes of one such load.
 */
static __always_inline u64 word_load(const void *from)
{
	u64 word;

	asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(word) : "r"(from));
	return word;
}

static __always_inline void word_store(void *to, u64 word)
{
	asm volatile("*(u64 *)(%0 + 0) = %1" : : "r"(to), "r"(word) : "memory");
}

/* Calls `function` with the way to read that costs least on this kernel, whatever the hook. */
#define BY_BEST_WAY(function, ...)                                                             \
	(bpf_rdonly_cast ? function(DIRECT, __VA_ARGS__) : function(PROBE, __VA_ARGS__))

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
