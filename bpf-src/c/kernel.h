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
	void *private_data; /* of a socket's file: its struct socket */
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

/* sockets */

struct in6_addr {
	union {
		u32 u6_addr32[4];
	} in6_u;
};

typedef struct {
	long long counter;
} atomic64_t;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num; /* the local port, as the machine has numbers */
	u16 skc_family;
	unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags; /* bits, numbered by enum sock_flags */
};

enum sock_flags {
	SOCK_DONE = 1, /* TCP: the other end has ended its stream */
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
	int sk_err;
};

/* Each of these begins with its sock. */
struct inet_sock {
	u16 inet_sport;
};

struct tcp_sock {
	u64 bytes_received;
	u32 segs_in;
	u32 segs_out;
};

struct packet_sock {
	u16 num;
};

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sk_buff {
	unsigned char *head;
	u16 protocol;
	u16 transport_header;
	u16 network_header;
};

struct page {
	unsigned long flags;
};

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
	unsigned int bv_offset;
};

struct iovec {
	void *iov_base;
	size_t iov_len;
};

enum iter_type {
	ITER_IOVEC,
	ITER_KVEC,
	ITER_BVEC,
	ITER_UBUF,
};

struct iov_iter {
	u8 iter_type; /* since 5.14 */
	size_t iov_offset;
	size_t count;
	const struct iovec *__iov; /* since 6.4 */
	const struct bio_vec *bvec;
	void *ubuf; /* since 6.0 */
	unsigned long nr_segs;
};

/* Up to 6.3. */
struct iov_iter___iov {
	const struct iovec *iov;
};

/* Up to 5.13. */
struct iov_iter___type {
	unsigned int type; /* bits */
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	struct iov_iter msg_iter;
};

#pragma clang attribute pop
