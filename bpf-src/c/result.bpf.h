/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel's functions return: numbers and pointers that stand for errors. */
#pragma once

#include "kernel.h"

#define ERRNO_MOST 4095

/*
 * The errno in what a function returned, 0 if it succeeded, be its result an
 * int, whose upper half is not always extended, a long or a pointer.
 */
static __always_inline u32 result_error(u64 result)
{
	if (result >= (u64)-ERRNO_MOST)
		return -result;
	if (result <= (u32)-1 && result >= (u32)-ERRNO_MOST)
		return -(u32)result;
	return 0;
}

/* A pointer that stands for an error, or for nothing. */
static __always_inline bool is_no_pointer(const void *pointer)
{
	return !pointer || (u64)pointer >= (u64)-ERRNO_MOST;
}
