/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes that are set: by ftruncate and O_TRUNC, with an open file; by truncate,
 * with a path. The latter calls the former's function without a file.
 */
#pragma once

#include "calls.bpf.h"
#include "file_touch.bpf.h"

const volatile u32 do_truncate__filp = NOWHERE;
const volatile u32 do_truncate__result = NOWHERE;

static __always_inline int size_set(enum way way, struct file *file, u64 result)
{
	file = TYPED(way, file);
	struct inode *inode;

	if (!file)
		return 0;
	inode = READ(way, file, f_inode);
	if ((READ(way, inode, i_mode) & S_TYPE) != S_REGULAR)
		return 0;
	return file_told(way, file, EVENT_FILE_TRUNCATE, result_error(result), 0, 0);
}

SEC("fexit/do_truncate")
int truncate_fentry(u64 *ctx)
{
	return leave(ctx, size_set(DIRECT, (struct file *)argument(ctx, do_truncate__filp),
			argument(ctx, do_truncate__result)));
}

SEC("kprobe/do_truncate")
int within_truncate_kprobe(struct pt_regs *ctx)
{
	return leave(ctx, call_entered(ctx, CALL_truncate, register_argument(ctx, do_truncate__filp), 0));
}

SEC("kretprobe/do_truncate")
int truncate_kprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_left(ctx, CALL_truncate, &call))
		return 0;
	return leave(ctx, size_set(PROBE, (struct file *)call.first, PT_REGS_RC(ctx)));
}

static __always_inline int path_size_set(enum way way, struct path *path, u64 result)
{
	path = TYPED(way, path);
	struct dentry *dentry = READ(way, path, dentry);
	struct vfsmount *mount = READ(way, path, mnt);
	struct inode *inode = READ(way, dentry, d_inode);
	struct lane *lane;
	u32 flags;

	if ((READ(way, inode, i_mode) & S_TYPE) != S_REGULAR)
		return 0;
	flags = fs_flags(way, READ(way, inode, i_sb));
	if (flags & FILE_DROPPED || actor_is_excluded() || mount_is_internal(mount))
		return 0;
	lane = file_begin(flags);
	if (!lane)
		return 0;
	inode__fill(way, &lane->event.file.inode, inode);
	text_path(lane, &lane->event.file.path, mount, dentry);
	lane->event.file.error = result_error(result);
	file_send(lane->index, EVENT_FILE_TRUNCATE);
	return 0;
}

SEC("fexit/vfs_truncate")
int BPF_PROG(truncate_path_fentry, struct path *path, long long length, long result)
{
	return leave(ctx, path_size_set(DIRECT, path, result));
}

SEC("kprobe/vfs_truncate")
int BPF_KPROBE(within_truncate_path_kprobe, struct path *path)
{
	return leave(ctx, call_entered(ctx, CALL_truncate_path, (u64)path, 0));
}

SEC("kretprobe/vfs_truncate")
int truncate_path_kprobe(struct pt_regs *ctx)
{
	struct call call;

	if (!call_left(ctx, CALL_truncate_path, &call))
		return 0;
	return leave(ctx, path_size_set(PROBE, (struct path *)call.first, PT_REGS_RC(ctx)));
}
