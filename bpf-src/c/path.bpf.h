/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths: from a mount and a dentry to the name that leads there.
 *
 * The walk goes up, from the last name to the root of the mount tree, through
 * mounts, and writes from the end of a buffer to its front; so a path that is
 * too long keeps its tail. It sees the tree as the kernel does, past any
 * chroot. Renames may happen meanwhile; each step reads a consistent pair of
 * name and length only as far as RCU keeps them, as d_path's fast part does.
 */
#pragma once

#include "kernel.h"
#include "text.bpf.h"

/*
 * A walk of up to (1 + PATH_LAPS * WALK_ROUNDS) * PATH_STEPS names and mounts: more
 * than the 2048 names of one byte that a path of EVENT_PATH_BYTES can have. Most
 * paths end in their first round, which takes no lap.
 */
#define PATH_STEPS 8
#define PATH_LAPS 18

#define NAME_BYTES 255 /* the kernel's NAME_MAX */
/* Up to here copying in words is cheaper than calling the helper. */
#define PATH_SHORT_BYTES 64
#define NAME_SHORT_BYTES 32

/* Inode number of the mount namespace that the sensors are loaded from: set at load. */
const volatile u32 host_mnt_ns;

/*
 * The two members of a dentry that a walk needs, by one read where they are
 * neighbours, which they are unless the kernel's layout is randomised: most of
 * what a walk costs is calling the helper.
 */
struct dentry_part {
	struct dentry *parent;
	u64 rest[5];
};

static __always_inline struct qstr *dentry_probe(struct dentry_part *part, struct dentry *dentry)
{
	u64 parent = bpf_core_field_offset(struct dentry, d_parent);
	u64 name = bpf_core_field_offset(struct dentry, d_name);
	u64 distance = name - parent;

	if (distance <= sizeof(*part) - sizeof(struct qstr)) {
		bpf_probe_read_kernel(part, distance + sizeof(struct qstr), (void *)dentry + parent);
		return (void *)part + distance;
	}
	bpf_core_read(&part->parent, sizeof(part->parent), &dentry->d_parent);
	bpf_core_read(part->rest, sizeof(struct qstr), &dentry->d_name);
	return (void *)part->rest;
}


/*
 * Flags of a path that has come to the top of the mounts that lead there. A
 * tree that is still being put together, by fsmount or open_tree, has a
 * namespace too, which nobody can enter: without a number up to 6.17, with the
 * same for all of them since.
 * Source: fs/mount.h, is_anon_ns; include/uapi/linux/nsfs.h, MNT_NS_ANON_INO
 */
#define MNT_NS_ANON_INO 0xEFFFFFF7

static __always_inline u32 mount_top_flags(enum way way, struct mount *mount)
{
	struct mnt_namespace *ns = READ(way, mount, mnt_ns);
	u32 number;

	if (!ns)
		return TEXT_UNREACHABLE;
	number = READ(way, ns, ns.inum);
	if (!number || number == MNT_NS_ANON_INO)
		return TEXT_UNREACHABLE;
	return number == host_mnt_ns ? 0 : TEXT_FOREIGN;
}

/* One name of the walk: where it is, how long, and where the walk goes on. */
struct walk_name {
	const unsigned char *name;
	u32 length;
	struct dentry *parent;
};

static __always_inline void walk_name_read(enum way way, struct walk_name *name,
					   struct dentry *dentry)
{
	struct dentry_part part;
	struct qstr *qstr;

	if (way == DIRECT) {
		name->name = dentry->d_name.name;
		name->length = dentry->d_name.len;
		name->parent = dentry->d_parent;
		return;
	}
	qstr = dentry_probe(&part, dentry);
	name->name = qstr->name;
	name->length = qstr->len;
	name->parent = part.parent;
}

/*
 * Copies a name to its place in lane->path. A short one goes in words, the last
 * first: what a word has too much lies before the name, where the walk will
 * write next, or in path_front. What is before a name in the kernel's memory is
 * a part of its dentry or of its own header.
 */
static __always_inline void name_copy(enum way way, u8 *to, const unsigned char *name,
				      u64 length)
{
	struct itimerspec64 *words;

	if (way != DIRECT || length > NAME_SHORT_BYTES) {
		bpf_probe_read_kernel(to, length, name);
		return;
	}
	words = POINTER(DIRECT, struct itimerspec64, name + length - NAME_SHORT_BYTES);
	to += length;
	word_store(to - 8, words->it_value.tv_nsec);
	if (length <= 8)
		return;
	word_store(to - 16, words->it_value.tv_sec);
	if (length <= 16)
		return;
	word_store(to - 24, words->it_interval.tv_nsec);
	word_store(to - 32, words->it_interval.tv_sec);
}

static __always_inline int path_walk_by(enum way way, struct lane *lane)
{
	struct dentry *dentry = POINTER(way, struct dentry, lane->walk_dentry);
	struct mount *mount = POINTER(way, struct mount, lane->walk_mount);
	struct dentry *mount_root = READ(way, mount, mnt.mnt_root);

	for (int i = 0; i < PATH_STEPS; i++) {
		u64 at = *(volatile u64 *)&lane->walk_at;
		struct walk_name name;
		u64 length;

		if (dentry == mount_root) {
			struct mount *below = READ(way, mount, mnt_parent);

			if (below == mount)
				return mount_top_flags(way, mount);
			dentry = READ(way, mount, mnt_mountpoint);
			mount = below;
			mount_root = READ(way, mount, mnt.mnt_root);
			continue;
		}

		walk_name_read(way, &name, dentry);
		/* Masks, not tests: each test doubles what there is to verify. */
		length = name.length & NAME_BYTES;
		if (at < length + 1)
			return TEXT_CUT_FRONT;
		at = (at - length - 1) & (EVENT_PATH_BYTES - 1);
		*(volatile u64 *)&lane->walk_at = at;
		name_copy(way, &lane->path[at + 1], name.name, length);
		lane->path[at] = '/';
		if (name.parent == dentry)
			return TEXT_UNREACHABLE; /* a root of no mount: memfd, pipe */
		dentry = name.parent;
	}
	*(volatile u64 *)&lane->walk_dentry = (u64)dentry;
	*(volatile u64 *)&lane->walk_mount = (u64)mount;
	return TEXT_CUT_FRONT | WALK_GOES_ON;
}

/*
 * One round: walks from lane->walk_mount and lane->walk_dentry and leaves there
 * where it got to, and in lane->walk_at the start of the path within
 * lane->path. Returns the text's flags.
 *
 * A global function, so that the verifier checks it once and not for each
 * call. Such functions take numbers only, and a typed pointer is none; so the
 * arguments come in the lane, where a pointer that is stored becomes a number.
 * The position stays in the lane too: as a value that comes from memory it is
 * the same unknown in every step, so that the verifier need not follow each
 * way through the loop to its end.
 */
__noinline int path_walk(u32 lane_index)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);

	if (!lane)
		return TEXT_UNKNOWN;
	return BY_BEST_WAY(path_walk_by, lane);
}

WALK_LAP(path_walk_on, path_walk)

/*
 * The whole walk, and the path as the text at this place of the record. Global
 * as path_walk is: most records have four paths.
 */
__noinline int path_text(u32 lane_index, u32 text_offset_bytes)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	u64 start, size, place = text_offset_bytes;
	struct event_text *text;
	u32 flags;
	void *to;

	if (!lane)
		return 0;
	CLAMP(place, LANE_FIXED_BYTES - sizeof(*text));
	text = (void *)lane->record + place;
	to = text_room(lane, EVENT_PATH_BYTES);
	lane->walk_at = EVENT_PATH_BYTES;
	flags = path_walk(lane->index);
	for (int i = 0; i < PATH_LAPS && flags & WALK_GOES_ON; i++)
		flags = path_walk_on(lane->index);
	start = *(volatile u64 *)&lane->walk_at;
	CLAMP(start, EVENT_PATH_BYTES);
	if (start == EVENT_PATH_BYTES) {
		start--;
		lane->path[start] = '/'; /* the root itself */
	}
	size = EVENT_PATH_BYTES - start;
	CLAMP(size, EVENT_PATH_BYTES);
	if (size <= PATH_SHORT_BYTES)
		for (u32 i = 0; i < PATH_SHORT_BYTES && i < size; i += sizeof(u64))
			word_store(to + i, word_load(&lane->path[start + i]));
	else
		bpf_probe_read_kernel(to, size, &lane->path[start]);
	text_take(lane, text, size, flags);
	return 0;
}

static __always_inline void text_path(struct lane *lane, struct event_text *text,
				      struct vfsmount *mount, struct dentry *dentry)
{
	lane->walk_mount = (u64)mount - bpf_core_field_offset(struct mount, mnt);
	lane->walk_dentry = (u64)dentry;
	path_text(lane->index, (void *)text - (void *)lane->record);
}

/* As d_unlinked(): not hashed, and not a root, which has no name to lose. */
static __always_inline bool dentry_is_deleted(enum way way, struct dentry *dentry)
{
	return dentry && !READ(way, dentry, d_hash.pprev) &&
	       READ(way, dentry, d_parent) != dentry;
}

static __always_inline void text_file(enum way way, struct lane *lane, struct event_text *text,
				      struct file *file)
{
	struct dentry *dentry = READ(way, file, f_path.dentry);

	text_path(lane, text, READ(way, file, f_path.mnt), dentry);
	if (dentry_is_deleted(way, dentry))
		text->flags |= TEXT_DELETED;
}
