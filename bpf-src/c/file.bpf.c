// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * File events: names that come, move and go; contents that are read and change.
 *
 * As in process.bpf.c each body stands once, and its hooks are one line each, in
 * two flavours. Where prototypes differ between kernels, the positions of
 * arguments are looked up in the kernel's BTF when the object is loaded.
 */
#include <stdbool.h>
#include <stddef.h>
#include "hooks.bpf.h"

#include "file_names.bpf.h"
#include "file_moves.bpf.h"
#include "file_touch.bpf.h"
#include "file_attributes.bpf.h"
#include "calls.bpf.h"
#include "file_contents.bpf.h"
#include "file_size.bpf.h"
#include "file_map.bpf.h"
#include "file_memfd.bpf.h"
#include "file_actor.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Names, before: the mount is known, nothing has changed yet, and a security
 * module may have refused.
 */

#define BEFORE_HOOKS(name, call, ...)                                                          \
	SEC("fexit/security_path_" #name)                                                      \
	int BPF_PROG(before_##name##_fentry, ##__VA_ARGS__, int result)                        \
	{                                                                                      \
		const enum way way = DIRECT;                                                   \
		return leave(ctx, call);                                                       \
	}                                                                                      \
	SEC("kprobe/security_path_" #name)                                                     \
	int BPF_KPROBE(before_##name##_kprobe, ##__VA_ARGS__)                                  \
	{                                                                                      \
		const enum way way = PROBE;                                                    \
		const int result = 0; /* see *_refused_kprobe */                            \
		return leave(ctx, call);                                                       \
	}

BEFORE_HOOKS(mknod, name_added(way, parent, dentry, FILE_HOW_MKNOD, NULL, result),
	     struct path *parent, struct dentry *dentry, unsigned short mode, unsigned int device)
BEFORE_HOOKS(mkdir, name_added(way, parent, dentry, FILE_HOW_MKDIR, NULL, result),
	     struct path *parent, struct dentry *dentry, unsigned short mode)
BEFORE_HOOKS(symlink, name_added(way, parent, dentry, FILE_HOW_SYMLINK, target, result),
	     struct path *parent, struct dentry *dentry, const char *target)
BEFORE_HOOKS(link, name_linked(way, old, parent, dentry, result), struct dentry *old,
	     struct path *parent, struct dentry *dentry)
BEFORE_HOOKS(rename, name_moved(way, old_parent, old, new, flags, result),
	     struct path *old_parent, struct dentry *old, struct path *new_parent,
	     struct dentry *new, unsigned int flags)
BEFORE_HOOKS(unlink, name_unlinked(way, parent, dentry, result), struct path *parent,
	     struct dentry *dentry)
BEFORE_HOOKS(rmdir, name_folder_removed(way, parent, dentry, result), struct path *parent,
	     struct dentry *dentry)

/* For all of these: where each attaches is in src/hooks/file.rs. */
SEC("kretprobe")
int BPF_KRETPROBE(name_refused_kprobe, int result)
{
	return leave(ctx, name_change_refused(result));
}

SEC("kretprobe")
int BPF_KRETPROBE(move_refused_kprobe, int result)
{
	return leave(ctx, name_move_refused(result));
}

/* Names, after: whether it was done. */

#define AFTER_HOOKS(name, dentry, state)                                                              \
	const volatile u32 vfs_##name##__##dentry;                                             \
	const volatile u32 vfs_##name##__result;                                               \
	SEC("fexit/vfs_" #name)                                                                \
	int after_##name##_fentry(u64 *ctx)                                                    \
	{                                                                                      \
		return leave(ctx, name_##state##_returned(argument(ctx, vfs_##name##__##dentry), \
					    argument(ctx, vfs_##name##__result)));             \
	}                                                                                      \
	SEC("kprobe/vfs_" #name)                                                               \
	int within_##name##_kprobe(struct pt_regs *ctx)                                        \
	{                                                                                      \
		return leave(ctx, name_##state##_called(register_argument(ctx, vfs_##name##__##dentry))); \
	}                                                                                      \
	SEC("kretprobe/vfs_" #name)                                                            \
	int after_##name##_kprobe(struct pt_regs *ctx)                                         \
	{                                                                                      \
		return leave(ctx, name_##state##_call_returned(PT_REGS_RC(ctx)));              \
	}

AFTER_HOOKS(create, dentry, change)
AFTER_HOOKS(mknod, dentry, change)
AFTER_HOOKS(mkdir, dentry, change)
AFTER_HOOKS(symlink, dentry, change)
AFTER_HOOKS(link, new_dentry, change)
AFTER_HOOKS(unlink, dentry, change)
AFTER_HOOKS(rmdir, dentry, move)

SEC("fexit/vfs_rename")
int BPF_PROG(after_rename_fentry, struct renamedata *data, int result)
{
	return leave(ctx, name_move_returned((u64)data->old_dentry, (u64)(long)result));
}

SEC("kprobe/vfs_rename")
int BPF_KPROBE(within_rename_kprobe, struct renamedata *data)
{
	return leave(ctx, name_move_called((u64)READ(PROBE, data, old_dentry)));
}

SEC("kretprobe/vfs_rename")
int BPF_KRETPROBE(after_rename_kprobe, int result)
{
	return leave(ctx, name_move_call_returned((u64)(long)result));
}

#define RMDIR_HOOKS(name, function)                                                            \
	SEC("fexit/" function)                                                                 \
	int BPF_PROG(name##_fentry, int folder, void *path, long result)                       \
	{                                                                                      \
		return leave(ctx, name_rmdir_returned(result));                                \
	}                                                                                      \
	SEC("kretprobe/" function)                                                             \
	int BPF_KRETPROBE(name##_kprobe, long result)                                          \
	{                                                                                      \
		return leave(ctx, name_rmdir_returned(result));                                \
	}

RMDIR_HOOKS(do_rmdir, "do_rmdir") /* up to 6.19 */
RMDIR_HOOKS(filename_rmdir, "filename_rmdir") /* since 7.0 */

/* Files that are created by opening them: here they are just opened. */

static __always_inline int file_opened(enum way way, struct file *file)
{
	file = TYPED(way, file);
	struct inode *inode;
	struct lane *lane;
	bool is_tmpfile;
	u32 flags;

	is_tmpfile = READ(way, file, f_flags) & O_TMPFILE_BIT;
	if (!(READ(way, file, f_mode) & FMODE_CREATED) && !is_tmpfile)
		return 0;
	inode = READ(way, file, f_inode);
	flags = fs_flags(way, READ(way, inode, i_sb));
	if (flags & FILE_DROPPED || actor_is_excluded() || !file_is_itself(way, file))
		return 0;
	lane = file_event(way, file, inode, flags);
	if (!lane)
		return 0;
	lane->event.file.how = is_tmpfile ? FILE_HOW_TMPFILE : FILE_HOW_OPEN;
	file_send(lane->index, EVENT_FILE_CREATE);
	return 0;
}

SEC("fentry/security_file_open")
int BPF_PROG(open_fentry, struct file *file)
{
	return leave(ctx, file_opened(DIRECT, file));
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(open_kprobe, struct file *file)
{
	return leave(ctx, file_opened(PROBE, file));
}

SEC("fentry/__fput")
int BPF_PROG(release_fentry, struct file *file)
{
	return leave(ctx, file_released(DIRECT, file));
}

SEC("kprobe/__fput")
int BPF_KPROBE(release_kprobe, struct file *file)
{
	return leave(ctx, file_released(PROBE, file));
}

/* Who is excluded, and what is kept of whom. */

SEC("tp_btf/task_newtask")
int BPF_PROG(exclude_fork_fentry, struct task_struct *task, u64 clone_flags)
{
	return leave(ctx, exclusion_inherited(DIRECT, task));
}

SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(exclude_fork_kprobe, struct task_struct *task)
{
	return leave(ctx, exclusion_inherited(PROBE, task));
}

SEC("fentry/sched_autogroup_exit_task")
int BPF_PROG(actor_exit_fentry, struct task_struct *task)
{
	return leave(ctx, actor_ended(DIRECT, task));
}

SEC("kprobe/sched_autogroup_exit_task")
int BPF_KPROBE(actor_exit_kprobe, struct task_struct *task)
{
	return leave(ctx, actor_ended(PROBE, task));
}

/* Attributes. */

#define PATH_CALL_HOOKS(name, function, how, count, detail_bits)                               \
	CALL_HOOKS(name, function,                                                             \
		   attributes_changed(DIRECT, (struct path *)ctx[0], how, ctx[1] & detail_bits, \
				      ctx[count]),                                             \
		   PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx),                                     \
		   attributes_changed(PROBE, (struct path *)call.first, how,                   \
				      call.second & detail_bits, PT_REGS_RC(ctx)))

PATH_CALL_HOOKS(chmod, "chmod_common", FILE_HOW_CHMOD, 2, 0xffff)
PATH_CALL_HOOKS(chown, "chown_common", FILE_HOW_CHOWN, 3, 0)
PATH_CALL_HOOKS(utimes, "vfs_utimes", FILE_HOW_UTIMES, 2, 0)

#define XATTR_HOOKS(name, function, parameter, how)                                            \
	const volatile u32 function##__dentry;                                                 \
	const volatile u32 function##__##parameter;                                            \
	const volatile u32 function##__result;                                                 \
	SEC("fexit/" #function)                                                                \
	int name##_fentry(u64 *ctx)                                                            \
	{                                                                                      \
		return leave(ctx, xattr_returned(argument(ctx, function##__dentry),            \
				      argument(ctx, function##__##parameter), how,             \
				      argument(ctx, function##__result)));                     \
	}                                                                                      \
	SEC("kprobe/" #function)                                                               \
	int within_##name##_kprobe(struct pt_regs *ctx)                                        \
	{                                                                                      \
		return leave(ctx, xattr_called(register_argument(ctx, function##__dentry),     \
				    register_argument(ctx, function##__##parameter), how));    \
	}                                                                                      \
	SEC("kretprobe/" #function)                                                            \
	int name##_kprobe(struct pt_regs *ctx)                                                 \
	{                                                                                      \
		return leave(ctx, xattr_call_returned(PT_REGS_RC(ctx)));                       \
	}

XATTR_HOOKS(setxattr, vfs_setxattr, name, FILE_HOW_SETXATTR)
XATTR_HOOKS(removexattr, vfs_removexattr, name, FILE_HOW_REMOVEXATTR)
/* Since 6.2 access control lists go their own way. */
XATTR_HOOKS(set_acl, vfs_set_acl, acl_name, FILE_HOW_SETXATTR)
XATTR_HOOKS(remove_acl, vfs_remove_acl, acl_name, FILE_HOW_REMOVEXATTR)

SEC("fexit/vfs_get_tree")
int set_up_fentry(void *ctx)
{
	return leave(ctx, fs_set_up());
}

SEC("kretprobe/vfs_get_tree")
int set_up_kprobe(void *ctx)
{
	return leave(ctx, fs_set_up());
}

SEC("fentry/mnt_drop_write")
int BPF_PROG(give_back_fentry, struct vfsmount *mount)
{
	return leave(ctx, mount_given_back(mount));
}

SEC("kprobe/mnt_drop_write")
int BPF_KPROBE(give_back_kprobe, struct vfsmount *mount)
{
	return leave(ctx, mount_given_back(mount));
}

SEC("fentry/mnt_drop_write_file")
int BPF_PROG(give_back_file_fentry, struct file *file)
{
	return leave(ctx, mount_given_back(file->f_path.mnt));
}

SEC("kprobe/mnt_drop_write_file")
int BPF_KPROBE(give_back_file_kprobe, struct file *file)
{
	return leave(ctx, mount_given_back(READ(PROBE, file, f_path.mnt)));
}
