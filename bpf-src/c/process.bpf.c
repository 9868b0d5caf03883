// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Process events: fork, exec, exit.
 *
 * Each body stands once; its hooks are one line each, in two flavours:
 *
 *   event        fentry flavour                  kprobe flavour
 *   fork         tp_btf task_newtask             kernel_clone, wake_up_new_task
 *   exec         tp_btf sched_process_exec       proc_exec_connector
 *     script     fentry security_bprm_check      security_bprm_check
 *     failed     fexit execve, execveat          kprobe, kretprobe of the same
 *   exit         fentry taskstats_exit, which knows that the last thread goes,
 *                then sched_autogroup_exit_task, by when its files are closed;
 *                kprobes of the same
 *
 * The prototypes of all of these are the same from Linux 5.10 to 7.3.
 */
#include <stdbool.h>
#include <stddef.h>
#include "hooks.bpf.h"

#include "process.bpf.h"
#include "exec.bpf.h"
#include "exit.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* fork */

static __always_inline int fork(enum way way, struct task_struct *task, u64 clone_flags,
				u32 event_flags)
{
	task = TYPED(way, task);
	u64 owner = bpf_get_current_task();
	struct task_struct *creator = (void *)owner;
	struct event_fork *event;
	struct lane *lane;

	if (READ(way, task, flags) & PF_KTHREAD || READ(way, task, pid) != READ(way, task, tgid))
		return 0;
	lane = lane_claim(owner);
	if (!lane)
		return 0;
	event = &lane->event.fork;
	lane->used = sizeof(*event);

	process__fill(way, &event->process, task);
	parent__fill(way, lane, task, &event->parent, &event->parent_exe);
	process_exe__fill(way, lane, task, &event->exe);
	event->clone_flags = clone_flags;
	event->creator_id = process_id(PROBE, creator);
	event->creator_tgid = bpf_get_current_pid_tgid() >> 32;
	event->creator_tid = bpf_get_current_pid_tgid();
	event->exit_signal = READ(way, task, exit_signal);
	event->flags = event_flags;
	header__fill(lane, &event->header, EVENT_FORK, lane->used);
	lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
	return 0;
}

/* kprobe flavour: who is created knows nothing of the flags; the caller does. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* the calling task's address */
	__type(value, u64); /* clone flags */
} clones SEC(".maps");

static __always_inline int clone_enter(struct kernel_clone_args *args)
{
	u64 task = bpf_get_current_task();
	u64 flags = READ(PROBE, args, flags);

	if (bpf_map_update_elem(&clones, &task, &flags, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
	return 0;
}

static __always_inline int fork_of_clone(struct task_struct *task)
{
	u64 caller = bpf_get_current_task();
	u64 *flags = bpf_map_lookup_elem(&clones, &caller);

	fork(PROBE, task, flags ? *flags : 0, flags ? 0 : FORK_CLONE_FLAGS_UNKNOWN);
	bpf_map_delete_elem(&clones, &caller);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(fork_fentry, struct task_struct *task, u64 clone_flags)
{
	return leave(ctx, fork(DIRECT, task, clone_flags, 0));
}

SEC("kprobe/kernel_clone")
int BPF_KPROBE(clone_kprobe, struct kernel_clone_args *args)
{
	return leave(ctx, clone_enter(args));
}

SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(fork_kprobe, struct task_struct *task)
{
	return leave(ctx, fork_of_clone(task));
}

/* exec */

SEC("fentry/security_bprm_check")
int BPF_PROG(exec_check_fentry, struct linux_binprm *bprm)
{
	return leave(ctx, exec_check(DIRECT, bprm));
}

SEC("kprobe/security_bprm_check")
int BPF_KPROBE(exec_check_kprobe, struct linux_binprm *bprm)
{
	return leave(ctx, exec_check(PROBE, bprm));
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_fentry, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return leave(ctx, exec(DIRECT, task, bprm));
}

SEC("kprobe/proc_exec_connector")
int BPF_KPROBE(exec_kprobe, struct task_struct *task)
{
	return leave(ctx, exec_of_check(task));
}

#define EXEC_CALL_HOOKS(name, function, call)                                                  \
	SEC("fexit/" function)                                                                 \
	int BPF_PROG(name##_fentry, struct pt_regs *regs, long result)                         \
	{                                                                                      \
		return leave(ctx, exec_returned(regs, result, call));                          \
	}                                                                                      \
	SEC("kprobe/" function)                                                                \
	int BPF_KPROBE(name##_kprobe, struct pt_regs *regs)                                    \
	{                                                                                      \
		return leave(ctx, exec_called(regs, call));                                    \
	}

EXEC_CALL_HOOKS(execve, SYSCALL(execve), EXECVE)
EXEC_CALL_HOOKS(execveat, SYSCALL(execveat), EXECVEAT)
EXEC_CALL_HOOKS(execve_compat, COMPAT_SYSCALL(execve), COMPAT_EXECVE)
EXEC_CALL_HOOKS(execveat_compat, COMPAT_SYSCALL(execveat), COMPAT_EXECVEAT)

/* For all four calls: where each attaches is in src/hooks.rs. */
SEC("kretprobe")
int BPF_KRETPROBE(exec_returned_kprobe, long result)
{
	return leave(ctx, exec_call_returned(result));
}

/* exit */

SEC("fentry/taskstats_exit")
int BPF_PROG(exit_begin_fentry, struct task_struct *task, int group_dead)
{
	return leave(ctx, exit_begin(DIRECT, task, group_dead));
}

SEC("kprobe/taskstats_exit")
int BPF_KPROBE(exit_begin_kprobe, struct task_struct *task, int group_dead)
{
	return leave(ctx, exit_begin(PROBE, task, group_dead));
}

/* What a call of this thread has left waiting, which was never seen to return, waits no more. */
static __always_inline int thread_end(enum way way, struct task_struct *task)
{
	u64 address = bpf_get_current_task();

	WAITING_FORGET(&execs, &address);
	WAITING_FORGET(&exec_calls, &address);
	WAITING_FORGET(&clones, &address);
	return exit_end(way, task);
}

SEC("fentry/sched_autogroup_exit_task")
int BPF_PROG(exit_end_fentry, struct task_struct *task)
{
	return leave(ctx, thread_end(DIRECT, task));
}

SEC("kprobe/sched_autogroup_exit_task")
int BPF_KPROBE(exit_end_kprobe, struct task_struct *task)
{
	return leave(ctx, thread_end(PROBE, task));
}
