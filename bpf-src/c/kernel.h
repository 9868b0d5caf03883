/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the sensors read, with just the fields they use.
 * Offsets come from the running kernel (CO-RE), so order and gaps do not
 * matter; names and types do.
 */
#pragma once

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#define PF_EXITING 0x00000004
#define PF_DUMPCORE 0x00000200
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

typedef struct {
	int counter;
} atomic_t;

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	struct user_namespace *user_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
	PIDTYPE_MAX,
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[PIDTYPE_MAX];
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct qstr {
	u32 hash;
	u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino; /* u64 since 7.1 */
	unsigned int i_nlink;
	long long i_size;
	u32 i_generation;
	long long i_ctime_sec; /* since 6.11; see inode_ctime */
	u32 i_ctime_nsec;
};

/* The module's own types: known once it is loaded. */
struct btrfs_root {
	u32 anon_dev;
};

struct btrfs_inode {
	struct btrfs_root *root;
	struct inode vfs_inode;
};

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

/* Here just for four words in a row; see name_copy. */
struct itimerspec64 {
	struct timespec64 it_interval;
	struct timespec64 it_value;
};

/* Up to 6.5. */
struct inode___timespec {
	struct timespec64 i_ctime;
};

/* 6.6 to 6.10. */
struct inode___hidden_timespec {
	struct timespec64 __i_ctime;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
	int mnt_flags;
	struct super_block *mnt_sb;
};

struct list_head {
	struct list_head *next, *prev;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts; /* those that are mounted on it */
	struct list_head mnt_child; /* in that list of the one below */
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
};

struct kiocb {
	struct file *ki_filp;
	int ki_flags;
};

/* Begins with its kiocb. */
struct io_kiocb {
	void *async_data;
};

struct io_async_rw {
	size_t bytes_done;
};

struct io_event {
	long long res;
};

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

struct aio_kiocb {
	struct file *ki_filp;
	struct io_event ki_res;
	refcount_t ki_refcnt;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct renamedata {
	struct dentry *old_dentry;
	struct dentry *new_dentry;
	unsigned int flags;
};

struct fs_struct {
	struct path pwd;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end, env_start, env_end;
};

struct task_struct {
	unsigned int flags;
	int exit_code;
	int exit_signal;
	int pid;
	int tgid;
	u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct cred *real_cred;
	struct cred *cred;
	kuid_t loginuid;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct fs_struct *fs;
	struct mm_struct *mm;
	struct nameidata *nameidata; /* while a path is being walked */
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
	char buf[256];
};

struct kernel_clone_args {
	u64 flags;
};

#pragma clang attribute pop
