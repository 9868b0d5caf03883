/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who acts: the process block of every event. */
#pragma once

#include "path.bpf.h"

#define PROCESS_ID_TGID_SHIFT 42
/* More than MAX_PID_NS_LEVEL + 1 of struct upid need, and a power of two. */
#define PID_NUMBERS_BYTES 1024

static __always_inline u64 process_id(enum way way, struct task_struct *task)
{
	struct task_struct *leader = READ(way, task, group_leader);

	return READ(way, leader, start_boottime) ^
	       (u64)READ(way, task, tgid) << PROCESS_ID_TGID_SHIFT;
}

/* The number of a pid in the initial pid namespace. */
static __always_inline u32 pid_number(enum way way, struct pid *pid)
{
	return pid ? READ(way, pid, numbers[0].nr) : 0;
}

/* The pid namespace of a process and its number there. */
static __always_inline void pid_ns__fill(enum way way, struct event_process *process,
					 struct pid *pid)
{
	struct upid own;
	u64 offset;
	u32 level;

	process->ns_tgid = 0;
	process->pid_ns = 0;
	if (!pid)
		return;
	level = READ(way, pid, level);
	if (!level) {
		struct pid_namespace *ns = READ(way, pid, numbers[0].ns);

		process->ns_tgid = READ(way, pid, numbers[0].nr);
		if (ns)
			process->pid_ns = READ(way, ns, ns.inum);
		return;
	}
	/*
	 * An index that varies is out of reach for plain loads. Up to Linux
	 * 6.1 the verifier loses a product's bound, so it is renewed.
	 */
	offset = (u64)level * bpf_core_type_size(struct upid) & (PID_NUMBERS_BYTES - 1);
	bpf_probe_read_kernel(&own, sizeof(own),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) + offset);
	process->ns_tgid = own.nr;
	process->pid_ns = BPF_CORE_READ(own.ns, ns.inum);
}

static __always_inline void credentials__fill(enum way way, struct event_process *process,
					      struct cred *cred)
{
	struct user_namespace *user_ns = READ(way, cred, user_ns);

	process->uid = READ(way, cred, uid.val);
	process->euid = READ(way, cred, euid.val);
	process->suid = READ(way, cred, suid.val);
	process->fsuid = READ(way, cred, fsuid.val);
	process->gid = READ(way, cred, gid.val);
	process->egid = READ(way, cred, egid.val);
	process->sgid = READ(way, cred, sgid.val);
	process->fsgid = READ(way, cred, fsgid.val);
	process->user_ns = user_ns ? READ(way, user_ns, ns.inum) : 0;
}

static __always_inline void namespaces__fill(enum way way, struct event_process *process,
					     struct nsproxy *nsproxy)
{
	struct mnt_namespace *mnt_ns;
	struct net *net;

	process->mnt_ns = 0;
	process->net_ns = 0;
	if (!nsproxy)
		return; /* already exiting */
	mnt_ns = READ(way, nsproxy, mnt_ns);
	net = READ(way, nsproxy, net_ns);
	if (mnt_ns)
		process->mnt_ns = READ(way, mnt_ns, ns.inum);
	if (net)
		process->net_ns = READ(way, net, ns.inum);
}

static __always_inline u64 cgroup_id(enum way way, struct task_struct *task)
{
	struct css_set *set = READ(way, task, cgroups);
	struct cgroup *cgroup = set ? READ(way, set, dfl_cgrp) : NULL;
	struct kernfs_node *node = cgroup ? READ(way, cgroup, kn) : NULL;

	return node ? READ(way, node, id) : 0;
}

static __always_inline void process__fill(enum way way, struct event_process *process,
					  struct task_struct *task)
{
	struct task_struct *leader = READ(way, task, group_leader);
	struct signal_struct *signal = READ(way, task, signal);
	/*
	 * Not ->cred, which a task may override for a moment: to open a
	 * file as another user, say. Who it is does not change by that.
	 */
	struct cred *cred = READ(way, task, real_cred);

	process->start_time_ns = READ(way, leader, start_boottime);
	process->tgid = READ(way, task, tgid);
	process->process_id = process->start_time_ns ^
			      (u64)process->tgid << PROCESS_ID_TGID_SHIFT;
	process->tid = READ(way, task, pid);
	process->pgid = pid_number(way, READ(way, signal, pids[PIDTYPE_PGID]));
	process->sid = pid_number(way, READ(way, signal, pids[PIDTYPE_SID]));
	pid_ns__fill(way, process, READ(way, leader, thread_pid));
	credentials__fill(way, process, cred);
	process->login_uid = READ(way, task, loginuid.val);
	namespaces__fill(way, process, READ(way, task, nsproxy));
	process->cgroup_id = cgroup_id(way, task);
}

/* The path of the program that `task` runs. */
static __always_inline void process_exe__fill(enum way way, struct lane *lane,
					      struct task_struct *task, struct event_text *exe)
{
	struct mm_struct *mm = READ(way, task, mm);
	struct file *file = mm ? READ(way, mm, exe_file) : NULL;

	if (!file) {
		text_none(exe, TEXT_NONE);
		return;
	}
	text_file(way, lane, exe, file);
	/*
	 * Another task may let go of its memory, and with it of the file,
	 * while we walk. A pointer that has changed tells on it.
	 */
	if (READ(way, task, mm) != mm)
		exe->flags |= TEXT_CHANGED;
}

static __always_inline void parent__fill(enum way way, struct lane *lane, struct task_struct *task,
					 struct event_process *process, struct event_text *exe)
{
	struct task_struct *parent = READ(way, task, real_parent);

	process__fill(way, process, parent);
	process_exe__fill(way, lane, parent, exe);
}
