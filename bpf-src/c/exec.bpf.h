/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exec: a process replaced its program, or failed to.
 *
 * A success is seen inside the kernel, where the new program is in place. A
 * failure is seen where the system call returns, because the kernel gives up
 * at many places (up to Linux 6.7 a missing file fails inside bprm_execve,
 * later before it); by then the caller's memory still holds what it asked for.
 */
#pragma once

#include "process.bpf.h"

/* What is known of an exec while it goes on, by the task's address. */
struct exec_state {
	u64 bprm; /* tells this exec from an earlier one that failed */
	u64 script; /* struct file of the outermost script, or one of: */
#define SCRIPT_NONE 0
#define SCRIPT_UNKNOWN 1
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct exec_state);
} execs SEC(".maps");

/* kprobe flavour: what the caller asked for; a kretprobe does not see it. */
struct exec_args {
	u64 filename;
	u64 argv;
	u64 env;
	u64 pointer_bytes; /* of the lists; 0: nothing is known of the call */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct exec_args);
} exec_calls SEC(".maps");

static __always_inline bool is_kernel_thread(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return READ(PROBE, task, flags) & PF_KTHREAD;
}

/*
 * The kernel checks each file of an exec: a script, its interpreter, which may
 * be a script again. The first is the one that was asked for. Its file stays
 * open until the task returns to user space, so its path can be read later. A
 * kernel thread has no such moment: its files are closed by another thread.
 */
static __always_inline int exec_check(enum way way, struct linux_binprm *bprm)
{
	bprm = TYPED(way, bprm);
	u64 task = bpf_get_current_task();
	struct exec_state *known, state = {};
	bool is_script = READ(way, bprm, buf[0]) == '#' && READ(way, bprm, buf[1]) == '!';

	/* A kprobe does not get the bprm when the exec succeeds, so keep it. */
	if (!is_script && way == DIRECT)
		return 0;
	known = bpf_map_lookup_elem(&execs, &task);
	if (known && known->bprm == (u64)bprm)
		return 0;
	state.bprm = (u64)bprm;
	if (is_script)
		state.script = is_kernel_thread() ? SCRIPT_UNKNOWN :
						    (u64)READ(way, bprm, file);
	if (bpf_map_update_elem(&execs, &task, &state, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
	return 0;
}

static __always_inline void exec_cwd__fill(enum way way, struct lane *lane,
					   struct task_struct *task, struct event_text *cwd)
{
	struct fs_struct *fs = READ(way, task, fs);
	struct dentry *dentry;

	if (!fs) {
		text_none(cwd, TEXT_NONE);
		return;
	}
	dentry = READ(way, fs, pwd.dentry);
	text_path(lane, cwd, READ(way, fs, pwd.mnt), dentry);
	if (dentry_is_deleted(way, dentry))
		cwd->flags |= TEXT_DELETED;
}

/* What successes and failures have in common. */
static __always_inline struct event_exec *exec__begin(enum way way, struct lane *lane,
						      struct task_struct *task, u32 error)
{
	struct event_exec *event = &lane->event.exec;

	lane->used = sizeof(*event);
	process__fill(way, &event->process, task);
	parent__fill(way, lane, task, &event->parent, &event->parent_exe);
	process_exe__fill(way, lane, task, &event->exe);
	exec_cwd__fill(way, lane, task, &event->cwd);
	event->error = error;
	event->padding = 0;
	return event;
}

static __always_inline int exec(enum way way, struct task_struct *task, struct linux_binprm *bprm)
{
	task = TYPED(way, task);
	bprm = TYPED(way, bprm);
	u64 owner = bpf_get_current_task();
	struct exec_state *state = bpf_map_lookup_elem(&execs, &owner);
	struct event_exec *event;
	struct mm_struct *mm;
	struct lane *lane = lane_claim(owner);

	if (!lane)
		return 0;
	event = exec__begin(way, lane, task, 0);

	if (!bprm) {
		text_none(&event->filename, TEXT_UNKNOWN);
		text_none(&event->interpreter, TEXT_UNKNOWN);
		text_none(&event->script, TEXT_UNKNOWN);
	} else {
		const char *filename = READ(way, bprm, filename);
		const char *interpreter = READ(way, bprm, interp);

		text_string(lane, &event->filename, filename, false);
		if (interpreter == filename)
			text_none(&event->interpreter, TEXT_NONE);
		else
			text_string(lane, &event->interpreter, interpreter, false);
		if (!state || state->bprm != (u64)bprm || state->script == SCRIPT_NONE)
			text_none(&event->script, TEXT_NONE);
		else if (state->script == SCRIPT_UNKNOWN)
			text_none(&event->script, TEXT_UNKNOWN);
		else
			text_file(PROBE, lane, &event->script, (void *)state->script);
	}

	mm = READ(way, task, mm);
	if (mm) {
		text_user_block(lane, &event->argv, READ(way, mm, arg_start),
				READ(way, mm, arg_end));
		text_user_block(lane, &event->env, READ(way, mm, env_start),
				READ(way, mm, env_end));
	} else {
		text_none(&event->argv, TEXT_NONE);
		text_none(&event->env, TEXT_NONE);
	}
	header__fill(lane, &event->header, EVENT_EXEC, lane->used);
	lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
	if (state)
		bpf_map_delete_elem(&execs, &owner);
	return 0;
}

static __always_inline int exec_of_check(struct task_struct *task)
{
	u64 owner = bpf_get_current_task();
	struct exec_state *state = bpf_map_lookup_elem(&execs, &owner);

	return exec(PROBE, task, state ? (void *)state->bprm : NULL);
}

/* The system calls, and where in their arguments the strings are. */
enum exec_call {
	EXECVE,
	EXECVEAT,
	COMPAT_EXECVE,
	COMPAT_EXECVEAT,
};

static __always_inline bool exec_is_compat(enum exec_call call)
{
	return call == COMPAT_EXECVE || call == COMPAT_EXECVEAT;
}

/* As many strings as EVENT_ARGS_BYTES can hold, in rounds and laps as for paths. */
#define STRINGS_STEPS 16
#define STRINGS_LAPS (EVENT_ARGS_BYTES / (WALK_ROUNDS * STRINGS_STEPS))

/*
 * One round: copies strings of lane->strings_list to the end of the record,
 * leaves there which is next, in lane->strings_done their size, and returns the
 * text's flags. A global function, with its state in the lane, for the reasons
 * that path_walk has.
 */
__noinline int strings_walk(u32 lane_index)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	u64 list, pointer_bytes;
	void *to;

	if (!lane)
		return TEXT_UNKNOWN;
	to = text_room(lane, 2 * EVENT_ARGS_BYTES);
	list = lane->strings_list;
	pointer_bytes = lane->strings_pointer_bytes;
	CLAMP(pointer_bytes, sizeof(u64));
	for (int i = 0; i < STRINGS_STEPS; i++) {
		u64 at = *(volatile u64 *)&lane->strings_done;
		u64 string = 0;
		long taken;

		if (bpf_probe_read_user(&string, pointer_bytes, (void *)list))
			return TEXT_FAULT;
		if (!string)
			return 0;
		if (at >= EVENT_ARGS_BYTES)
			return TEXT_CUT_END;
		at &= EVENT_ARGS_BYTES - 1;
		/* One byte more than may be kept: see text_string. */
		taken = bpf_probe_read_user_str(to + at, EVENT_ARGS_BYTES + 1, (void *)string);
		if (taken < 0)
			return TEXT_FAULT;
		if (!taken) { /* an empty string: see text_string */
			*(u8 *)(to + at) = 0;
			taken = 1;
		}
		*(volatile u64 *)&lane->strings_done = at + taken;
		list += pointer_bytes;
	}
	lane->strings_list = list;
	return WALK_GOES_ON;
}

WALK_LAP(strings_walk_on, strings_walk)

/* A list of strings in user memory, each kept with its NUL. */
static __always_inline void text_user_strings(struct lane *lane, struct event_text *text, u64 list,
					      u64 pointer_bytes)
{
	u32 flags;
	u64 size;

	/* No list at all is an empty one, as in the kernel. */
	if (!list) {
		text_none(text, 0);
		return;
	}
	lane->strings_list = list;
	lane->strings_pointer_bytes = pointer_bytes;
	lane->strings_done = 0;
	flags = strings_walk(lane->index);
	for (int i = 0; i < STRINGS_LAPS && flags & WALK_GOES_ON; i++)
		flags = strings_walk_on(lane->index);
	size = *(volatile u64 *)&lane->strings_done;
	if (size > EVENT_ARGS_BYTES) {
		size = EVENT_ARGS_BYTES;
		flags = TEXT_CUT_END;
	}
	text_take(lane, text, size, flags);
}

/*
 * Past the point of no return a failed exec has replaced the caller's memory,
 * and with it the strings, by an unfinished one; whose arguments have no end.
 */
static __always_inline bool exec_memory_is_gone(struct task_struct *task)
{
	struct mm_struct *mm = READ(PROBE, task, mm);

	return !mm || !READ(PROBE, mm, arg_end);
}

/* The script of an exec that failed; its interpreter's name is gone with the bprm. */
static __always_inline void exec_failed_script__fill(struct lane *lane, struct event_exec *event,
						     struct exec_state *state)
{
	u64 script = state ? state->script : SCRIPT_NONE;

	if (script == SCRIPT_NONE) {
		text_none(&event->interpreter, TEXT_NONE);
		text_none(&event->script, TEXT_NONE);
		return;
	}
	text_none(&event->interpreter, TEXT_UNKNOWN);
	if (script == SCRIPT_UNKNOWN)
		text_none(&event->script, TEXT_UNKNOWN);
	else
		text_file(PROBE, lane, &event->script, (void *)script);
}

/* Not inlined: several programs share it. */
static __noinline int exec_failed(const struct exec_args *args, int error)
{
	u64 owner = bpf_get_current_task();
	struct task_struct *task = (void *)owner;
	struct exec_state *state = bpf_map_lookup_elem(&execs, &owner);
	struct lane *lane = lane_claim(owner);
	struct event_exec *event;

	if (!lane)
		goto forget;
	event = exec__begin(PROBE, lane, task, error);
	exec_failed_script__fill(lane, event, state);
	if (!args->pointer_bytes || exec_memory_is_gone(task)) {
		u16 why = args->pointer_bytes ? TEXT_FAULT : TEXT_UNKNOWN;

		text_none(&event->filename, why);
		text_none(&event->argv, why);
		text_none(&event->env, why);
	} else {
		text_string(lane, &event->filename, (void *)args->filename, true);
		text_user_strings(lane, &event->argv, args->argv, args->pointer_bytes);
		text_user_strings(lane, &event->env, args->env, args->pointer_bytes);
	}
	header__fill(lane, &event->header, EVENT_EXEC, lane->used);
	lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
forget:
	if (state)
		bpf_map_delete_elem(&execs, &owner);
	return 0;
}

/*
 * Where the strings of an exec are, from the registers it was called with:
 * file name, argv, env. execveat has the directory's descriptor before them.
 */
static __always_inline void exec_args__fill(struct exec_args *args, struct pt_regs *regs,
					    enum exec_call call)
{
#define ARG(field, native, compat)                                                              \
	args->field = 0;                                                                        \
	if (exec_is_compat(call)) /* 32-bit registers: the upper half is not the caller's */    \
		bpf_probe_read_kernel(&args->field, 4, (void *)regs + (compat));                \
	else                                                                                    \
		bpf_probe_read_kernel(&args->field, 8, (void *)regs + (native))

	if (call == EXECVEAT || call == COMPAT_EXECVEAT) {
		ARG(filename, SYSCALL_ARG_1, COMPAT_ARG_1);
		ARG(argv, SYSCALL_ARG_2, COMPAT_ARG_2);
		ARG(env, SYSCALL_ARG_3, COMPAT_ARG_3);
	} else {
		ARG(filename, SYSCALL_ARG_0, COMPAT_ARG_0);
		ARG(argv, SYSCALL_ARG_1, COMPAT_ARG_1);
		ARG(env, SYSCALL_ARG_2, COMPAT_ARG_2);
	}
#undef ARG
	args->pointer_bytes = exec_is_compat(call) ? sizeof(u32) : sizeof(u64);
}

/* fentry flavour: a system call returned; its caller's registers are at hand. */
static __always_inline int exec_returned(struct pt_regs *regs, long result, enum exec_call call)
{
	struct exec_args args;

	if (result >= 0)
		return 0;
	exec_args__fill(&args, regs, call);
	return exec_failed(&args, -result);
}

static __always_inline int exec_called(struct pt_regs *regs, enum exec_call call)
{
	u64 task = bpf_get_current_task();
	struct exec_args args;

	exec_args__fill(&args, regs, call);
	if (bpf_map_update_elem(&exec_calls, &task, &args, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
	return 0;
}

static __always_inline int exec_call_returned(long result)
{
	u64 task = bpf_get_current_task();
	struct exec_args *known = bpf_map_lookup_elem(&exec_calls, &task);
	struct exec_args args = {};

	/* Not known: the call began before we did, or there was no room. */
	if (known)
		args = *known;
	bpf_map_delete_elem(&exec_calls, &task);
	return result < 0 ? exec_failed(&args, -result) : 0;
}
