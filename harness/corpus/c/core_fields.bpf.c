/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Byte offsets of fields, over several structs. */
#include "corpus.h"

struct qstr {
	const unsigned char *name;
} CORE;
struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
} CORE;
struct path {
	struct dentry *dentry;
} CORE;
struct file {
	struct path f_path;
} CORE;
struct mm_struct {
	struct file *exe_file;
} CORE;
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	struct mm_struct *mm;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += BPF_CORE_READ(task, pid) + BPF_CORE_READ(task, tgid);
	sum += BPF_CORE_READ(task, real_parent, real_parent, tgid);
	sum += (__u64)BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
	sum += (__u64)BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_parent, d_parent);
	return 0;
}
