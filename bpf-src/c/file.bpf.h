/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all file events share: which files count, what is told of them, and who
 * acts.
 */
#pragma once

#include "actor.bpf.h"
#include "exclude.bpf.h"
#include "result.bpf.h"

#define FMODE_CREATED 0x100000
#define O_TMPFILE_BIT 020000000

/* Refused for now, and tried again by the kernel itself: not an outcome. */
#define EWOULDBLOCK 11
#define ESTALE 116

/* What was declared of a file system by its device; see `mounts`. */
enum mount_state {
	MOUNT_NOT_MONITORED = 1,
	MOUNT_NOT_SCANNABLE = 2,
	MOUNT_SCANNABLE = 3,
};

/* Remote file systems and what to do with them: filled from user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* s_dev */
	__type(value, u32); /* enum mount_state */
} mounts SEC(".maps");

/*
 * File systems that hold no files, but the kernel's own affairs.
 * Source: include/uapi/linux/magic.h, and the file system where it says so.
 */
static __always_inline bool fs_is_special(u64 magic)
{
	switch (magic) {
	case 0x09041934: /* anon_inode */
	case 0x6c6f6f70: /* binderfs */
	case 0xcafe4a11: /* bpf */
	case 0x0027e0eb: /* cgroup */
	case 0x63677270: /* cgroup2 */
	case 0x62656570: /* configfs */
	case 0x64626720: /* debugfs */
	case 0x454d444d: /* dma-buf */
	case 0x00001cd1: /* devpts */
	case 0xde5e81e4: /* efivarfs */
	case 0x0bad1dea: /* futexfs */
	case 0x19800202: /* mqueue */
	case 0x6e736673: /* nsfs */
	case 0x50495045: /* pipefs */
	case 0x50494446: /* pidfs */
	case 0x00009fa0: /* proc */
	case 0x6165676c: /* pstore */
	case 0x5345434d: /* secretmem */
	case 0x73636673: /* securityfs */
	case 0xf97cff8c: /* selinux */
	case 0x43415d53: /* smack */
	case 0x534f434b: /* sockfs */
	case 0x62656572: /* sysfs */
	case 0x74726163: /* tracefs */
		return true;
	}
	return false;
}

#define S_TYPE 0170000
#define S_REGULAR 0100000
#define S_FOLDER 0040000

/*
 * The mounts that file systems make for themselves, as overlayfs does of its
 * layers: nobody walks there, and who acts on such a file acts on another.
 * They say so by a flag; what a private copy of a mount lacks, as overlayfs has
 * them of its layers, but then an error stands for its namespace.
 * Source: include/linux/mount.h, MNT_INTERNAL; fs/mount.h, MNT_NS_INTERNAL
 */
#define MNT_INTERNAL 0x4000

static __always_inline bool mount_is_internal_by(enum way way, struct vfsmount *vfsmount)
{
	u64 address = (u64)vfsmount - bpf_core_field_offset(struct mount, mnt);
	struct mount *mount = POINTER(way, struct mount, address);
	struct mnt_namespace *ns = READ(way, mount, mnt_ns);

	if (READ(way, mount, mnt.mnt_flags) & MNT_INTERNAL)
		return true;
	return ns && is_no_pointer(ns);
}

static __always_inline bool mount_is_internal(struct vfsmount *vfsmount)
{
	return BY_BEST_WAY(mount_is_internal_by, vfsmount);
}

/*
 * Whether a file stands for itself. Up to Linux 6.7 overlayfs opens the file of
 * a layer under the path of its own; later under that of the layer's mount.
 */
static __always_inline bool file_is_itself(enum way way, struct file *file)
{
	struct dentry *dentry = READ(way, file, f_path.dentry);

	return READ(way, dentry, d_inode) == READ(way, file, f_inode) &&
	       !mount_is_internal(READ(way, file, f_path.mnt));
}

/* Flags of an event about this file system; or FILE_DROPPED. */
#define FILE_DROPPED (1u << 31)

static __always_inline u32 fs_flags(enum way way, struct super_block *sb)
{
	u32 device = READ(way, sb, s_dev);
	u32 *state;

	if (fs_is_special(READ(way, sb, s_magic)))
		return FILE_DROPPED;
	if (!filter_is_used(FILTER_MOUNTS))
		return 0;
	state = bpf_map_lookup_elem(&mounts, &device);
	if (!state)
		return 0;
	switch (*state) {
	case MOUNT_NOT_MONITORED:
		return FILE_DROPPED;
	case MOUNT_SCANNABLE:
		return FILE_REMOTE | FILE_SCANNABLE;
	}
	return FILE_REMOTE;
}

/*
 * i_ctime was a timespec up to 6.5, hidden up to 6.10, two fields since. Since
 * 6.13 a bit of the nanoseconds says whether anyone has asked for them.
 * Source: include/linux/fs.h, I_CTIME_QUERIED
 */
static __always_inline u64 inode_change_time_ns(enum way way, struct inode *inode)
{
	u64 seconds, nanoseconds;

	if (bpf_core_field_exists(struct inode, i_ctime_sec)) {
		seconds = READ(way, inode, i_ctime_sec);
		nanoseconds = READ(way, inode, i_ctime_nsec) & 0x7fffffff;
	} else if (bpf_core_field_exists(struct inode___timespec, i_ctime)) {
		struct inode___timespec *old = (void *)inode;

		seconds = READ(way, old, i_ctime.tv_sec);
		nanoseconds = READ(way, old, i_ctime.tv_nsec);
	} else {
		struct inode___hidden_timespec *old = (void *)inode;

		seconds = READ(way, old, __i_ctime.tv_sec);
		nanoseconds = READ(way, old, __i_ctime.tv_nsec);
	}
	return seconds * 1000000000 + nanoseconds;
}

/*
 * The device that stat(2) shows for a file, which with its inode's number says
 * which file it is. That is its file system's, but for btrfs: there each
 * subvolume numbers its files anew, a snapshot's have numbers and generations of
 * those that it was made from, and each subvolume shows a device of its own.
 *
 * Modules' types are there since Linux 5.11, once the module is loaded. Without
 * them it is the file system's device.
 * Source: fs/btrfs/inode.c, btrfs_getattr
 */
#define BTRFS_SUPER_MAGIC 0x9123683e

static __always_inline u32 inode_device(enum way way, struct inode *inode, struct super_block *sb)
{
	struct btrfs_inode *btrfs_inode;
	struct btrfs_root *root;

	if (!bpf_core_type_exists(struct btrfs_inode) ||
	    READ(way, sb, s_magic) != BTRFS_SUPER_MAGIC)
		return READ(way, sb, s_dev);
	btrfs_inode = (void *)inode - bpf_core_field_offset(struct btrfs_inode, vfs_inode);
	root = READ(PROBE, btrfs_inode, root);
	return READ(PROBE, root, anon_dev);
}

static __always_inline void inode__fill(enum way way, struct event_inode *event,
					struct inode *inode)
{
	struct super_block *sb = READ(way, inode, i_sb);
	u32 device = inode_device(way, inode, sb);

	event->inode = READ(way, inode, i_ino);
	event->size_bytes = READ(way, inode, i_size);
	event->change_time_ns = inode_change_time_ns(way, inode);
	/* As MAJOR() and MINOR() of the kernel's own dev_t. */
	event->device_major = device >> 20;
	event->device_minor = device & 0xfffff;
	event->generation = READ(way, inode, i_generation);
	event->mode = READ(way, inode, i_mode);
	event->uid = READ(way, inode, i_uid.val);
	event->gid = READ(way, inode, i_gid.val);
	event->links = READ(way, inode, i_nlink);
	event->fs_magic = READ(way, sb, s_magic);
}

static __always_inline void inode__clear(struct event_inode *event)
{
	__builtin_memset(event, 0, sizeof(*event));
}

/*
 * Takes a lane for a file event and clears what most kinds do not use. NULL,
 * and counted, if there is none.
 */
static __always_inline struct lane *file_begin(u32 flags)
{
	struct lane *lane = lane_claim(bpf_get_current_task());
	struct event_file *event;

	if (!lane)
		return NULL;
	event = &lane->event.file;
	lane->used = sizeof(*event);
	event->error = 0;
	event->how = 0;
	event->flags = flags;
	event->detail = 0;
	inode__clear(&event->other);
	text_none(&event->other_path, TEXT_NONE);
	return lane;
}

/*
 * Adds who acts to the event in the lane and sends it: 1 if it is in the ring.
 * A global function, so that each program that sends has this part just once.
 */
__noinline int file_send(u32 lane_index, u32 kind)
{
	u64 owner = bpf_get_current_task();
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct event_file *event;

	if (!lane)
		return 0;
	event = &lane->event.file;
	struct actor actor = {
		.process = &event->process,
		.parent = &event->parent,
		.exe = &event->exe,
		.parent_exe = &event->parent_exe,
	};

	if (actor__fill(lane, &actor))
		event->flags |= FILE_BY_KERNEL;
	header__fill(lane, &event->header, kind, lane->used);
	return lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
}
