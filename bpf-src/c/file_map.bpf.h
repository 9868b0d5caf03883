/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that are mapped shared and writable: from then on they may change
 * without any call, until they are released. A mapping holds its file open.
 */
#pragma once

#include "calls.bpf.h"
#include "file_touch.bpf.h"

/* Source: include/uapi/asm-generic/mman-common.h, mman.h */
#define PROT_WRITE 2
#define PROT_KNOWN 7 /* read, write, execute */
#define MAP_SHARED 1
#define MAP_SHARED_VALIDATE 3
#define MAP_TYPE 0xf

/* Source: include/linux/mm.h */
#define VM_WRITE 2
#define VM_SHARED 8

static __always_inline bool map_is_shared_writable(u64 file, u64 protection, u64 flags)
{
	u32 type = flags & MAP_TYPE;

	return file && protection & PROT_WRITE &&
	       (type == MAP_SHARED || type == MAP_SHARED_VALIDATE);
}

static __always_inline int file_mapped(enum way way, struct file *file, u32 protection)
{
	file = TYPED(way, file);
	struct inode *inode = READ(way, file, f_inode);

	if ((READ(way, inode, i_mode) & S_TYPE) != S_REGULAR)
		return 0;
	return file_told(way, file, EVENT_FILE_MAP, 0, protection & PROT_KNOWN, FILE_MAPPED);
}

SEC("fexit/vm_mmap_pgoff")
int map_fentry(u64 *ctx)
{
	if (!map_is_shared_writable(ctx[0], ctx[3], ctx[4]) || is_no_pointer((void *)ctx[6]))
		return 0;
	return leave(ctx, file_mapped(DIRECT, (struct file *)ctx[0], ctx[3]));
}

SEC("kprobe/vm_mmap_pgoff")
int within_map_kprobe(struct pt_regs *ctx)
{
	u64 file = PT_REGS_PARM1(ctx), protection = PT_REGS_PARM4(ctx);

	if (!map_is_shared_writable(file, protection, PT_REGS_PARM5(ctx)))
		return leave(ctx, call_forget(CALL_map, PT_REGS_SP(ctx)));
	return leave(ctx, call_entered(ctx, CALL_map, file, protection));
}

SEC("kretprobe/vm_mmap_pgoff")
int map_kprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_left(ctx, CALL_map, &call) || is_no_pointer((void *)PT_REGS_RC(ctx)))
		return 0;
	return leave(ctx, file_mapped(PROBE, (struct file *)call.first, call.second));
}

/* What mprotect is about to change. */
struct protection_change {
	u64 file;
	u64 protection;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* the calling task's address */
	__type(value, struct protection_change);
} protection_changes SEC(".maps");

/*
 * mprotect asks for each mapping it covers, then changes it, which may merge it
 * with its neighbour: so what it is about to change is noted when it asks. Of one
 * that was refused nothing is told, and the next takes its place.
 */
static __always_inline int protection_asked(enum way way, struct vm_area_struct *area,
					    u64 protection)
{
	area = TYPED(way, area);
	u64 flags = READ(way, area, vm_flags);
	struct protection_change change = {
		.file = (u64)READ(way, area, vm_file),
		.protection = protection,
	};
	u64 task = bpf_get_current_task();

	if (!change.file || !(flags & VM_SHARED) || flags & VM_WRITE || !(protection & PROT_WRITE))
		bpf_map_delete_elem(&protection_changes, &task);
	else if (bpf_map_update_elem(&protection_changes, &task, &change, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
	return 0;
}

static __always_inline int protection_changed(u64 result)
{
	u64 task = bpf_get_current_task();
	struct protection_change *known = bpf_map_lookup_elem(&protection_changes, &task);
	struct protection_change change;

	if (!known)
		return 0;
	change = *known;
	bpf_map_delete_elem(&protection_changes, &task);
	if (result_error(result))
		return 0;
	return file_mapped(PROBE, (struct file *)change.file, change.protection);
}

SEC("fentry/security_file_mprotect")
int BPF_PROG(asks_protection_fentry, struct vm_area_struct *area, unsigned long asked,
	     unsigned long protection)
{
	return leave(ctx, protection_asked(DIRECT, area, protection));
}

SEC("kprobe/security_file_mprotect")
int BPF_KPROBE(asks_protection_kprobe, struct vm_area_struct *area, unsigned long asked,
	       unsigned long protection)
{
	return leave(ctx, protection_asked(PROBE, area, protection));
}

const volatile u32 mprotect_fixup__result = NOWHERE;

SEC("fexit/mprotect_fixup")
int protect_fentry(u64 *ctx)
{
	return leave(ctx, protection_changed(argument(ctx, mprotect_fixup__result)));
}

SEC("kretprobe/mprotect_fixup")
int protect_kprobe(struct pt_regs *ctx)
{
	return leave(ctx, protection_changed(PT_REGS_RC(ctx)));
}
