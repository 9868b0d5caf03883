/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the memory of a page is, of which the kernel has passed on only the page. */
#pragma once

#include "read.bpf.h"

#define PAGE_SHIFT 12

#if defined(__TARGET_ARCH_x86)

/*
 * Where the kernel's map of all memory and its array of pages begin: variables,
 * which differ from boot to boot. Source: arch/x86/include/asm/page_64.h
 */
extern const void page_offset_base __ksym __weak;
extern const void vmemmap_base __ksym __weak;

/* 0 where the kernel does not tell. */
static __always_inline u64 page_memory(u64 page)
{
	u64 memory = 0, pages = 0;

	if (bpf_probe_read_kernel(&memory, sizeof(memory), &page_offset_base) ||
	    bpf_probe_read_kernel(&pages, sizeof(pages), &vmemmap_base))
		return 0;
	return memory + ((page - pages) / bpf_core_type_size(struct page) << PAGE_SHIFT);
}

#else

/* Not known yet: what is sent by its pages is told as unreadable. */
static __always_inline u64 page_memory(u64 page)
{
	return 0;
}

#endif
