/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls: what a function was given, once it has returned.
 *
 * An fexit program sees both. A kretprobe sees only the result, so a kprobe
 * notes the arguments where the function is entered.
 */
#pragma once

#include "lane.bpf.h"

#define EEXIST 17

/*
 * Argument number `position` of a tracing program; the result comes after the
 * last. The position is a constant that is set at load, but no constant to the
 * compiler, and a context may be read at fixed offsets only: hence one load
 * for each, of which the verifier keeps one.
 */
static __always_inline u64 argument(u64 *ctx, u32 position)
{
	u64 value = 0;

#define ARGUMENT_AT(number)                                                    \
	case number:                                                           \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                          \
			     : "=r"(value)                                     \
			     : "r"(ctx), "i"(number * 8));                     \
		break
	switch (position) {
		ARGUMENT_AT(0);
		ARGUMENT_AT(1);
		ARGUMENT_AT(2);
		ARGUMENT_AT(3);
		ARGUMENT_AT(4);
		ARGUMENT_AT(5);
		ARGUMENT_AT(6);
		ARGUMENT_AT(7);
	}
#undef ARGUMENT_AT
	return value;
}

/* The same of a kprobe program, of the arguments that are in registers. */
static __always_inline u64 register_argument(struct pt_regs *ctx, u32 position)
{
	u64 value = 0;

#define ARGUMENT_AT(number, parameter)                                         \
	case number:                                                           \
		value = PT_REGS_##parameter(ctx);                              \
		/* Nothing, but not the same nothing: keeps the loads apart. */ \
		asm volatile("# %1" : "+r"(value) : "i"(number));              \
		break
	switch (position) {
		ARGUMENT_AT(0, PARM1);
		ARGUMENT_AT(1, PARM2);
		ARGUMENT_AT(2, PARM3);
		ARGUMENT_AT(3, PARM4);
		ARGUMENT_AT(4, PARM5);
	}
#undef ARGUMENT_AT
	return value;
}

/* A position that nobody has looked up: such an argument is 0. */
#define NOWHERE (~0u)

enum call_function {
	CALL_read,
	CALL_readv,
	CALL_write,
	CALL_writev,
	CALL_fallocate,
	CALL_sendfile,
	CALL_splice,
	CALL_splice_to_pipe,
	CALL_copy_range,
	CALL_clone_range,
	CALL_kernel_write,
	CALL_kernel_write_iter,
	CALL_aio_read,
	CALL_aio_write,
	CALL_truncate,
	CALL_truncate_path,
	CALL_map,
	CALL_chmod,
	CALL_chown,
	CALL_utimes,
	CALL_create,
	CALL_connect,
	CALL_accept,
	CALL_accept_mptcp,
	CALL_send_tcp,
	CALL_send_mptcp,
	CALL_send_udp,
	CALL_send_udp6,
	CALL_send_page,
	CALL_receive_tcp,
	CALL_receive_mptcp,
	CALL_receive_splice,
};

/*
 * Calls may nest, in others and in themselves: so each has a place in its
 * task's pile, the first that is free. Some return unseen, and their places are
 * taken again. The stack tells most of them: it grows down, so what is noted
 * further down than a new call, or as the same function at the same stack, is
 * not under way. (Not all, as each system call begins at another offset of its
 * stack, by chance.) More than ever nest fill the pile: then the last has
 * returned, as those below may be around the new one.
 */
#define CALLS_DEEP 8

struct call_key {
	u64 task; /* its address */
	u64 place;
};

struct call {
	u64 function; /* enum call_function */
	u64 stack; /* where it returns to */
	u64 first; /* what it was given; see the hooks for what each holds */
	u64 second;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct call_key);
	__type(value, struct call);
} calls SEC(".maps");

/* Whether any call was ever noted: not where nothing is hooked by a kretprobe. */
static u64 calls_noted;

static __always_inline bool call_is(const struct call *call, enum call_function function,
				    u64 stack)
{
	return call->function == function && call->stack == stack;
}

/* Notes a call; counts the one in its place, whose return was never seen. */
static __always_inline int call_note(enum call_function function, u64 stack, u64 first,
				     u64 second)
{
	struct call_key key = { .task = bpf_get_current_task() };
	struct call *known, call = {
		.function = function,
		.stack = stack,
		.first = first,
		.second = second,
	};
	/* No long: up to Linux 6.3 the helper is a direct call of what returns an int: half a register. */
	int error = -EEXIST;

	if (!*(volatile u64 *)&calls_noted)
		*(volatile u64 *)&calls_noted = 1;
	for (u32 i = 0; i < CALLS_DEEP; i++) {
		key.place = i;
		error = bpf_map_update_elem(&calls, &key, &call, BPF_NOEXIST);
		if (error != -EEXIST)
			break;
		known = bpf_map_lookup_elem(&calls, &key);
		if (known && (known->stack < stack || call_is(known, function, stack) ||
			      i == CALLS_DEEP - 1)) {
			loss_count(LOSS_RETURN_UNSEEN);
			*known = call;
			return 0;
		}
	}
	if (error)
		loss_count(LOSS_STATE_FULL);
	return 0;
}

/*
 * Takes a call off its task's pile. False if it began before we did, or was of
 * no interest, or there was no room to note it. Past a free place there is
 * nothing that is under way.
 */
static __always_inline bool call_take(enum call_function function, u64 stack, struct call *call)
{
	struct call_key key = { .task = bpf_get_current_task() };
	struct call *known;

	for (u32 i = 0; i < CALLS_DEEP; i++) {
		key.place = i;
		known = bpf_map_lookup_elem(&calls, &key);
		if (!known)
			return false;
		if (!call_is(known, function, stack))
			continue;
		*call = *known;
		bpf_map_delete_elem(&calls, &key);
		return true;
	}
	return false;
}

/* This call is of no interest; nor is what an earlier one may have left behind. */
static __always_inline int call_forget(enum call_function function, u64 stack)
{
	struct call call;

	call_take(function, stack, &call);
	return 0;
}

/* The current task is gone: nothing returns any more. */
static __always_inline void calls_forget(void)
{
	struct call_key key = { .task = bpf_get_current_task() };

	if (!*(volatile u64 *)&calls_noted)
		return;
	for (u32 i = 0; i < CALLS_DEEP; i++) {
		key.place = i;
		if (!bpf_map_lookup_elem(&calls, &key))
			continue;
		loss_count(LOSS_RETURN_UNSEEN);
		bpf_map_delete_elem(&calls, &key);
	}
}

/* A kprobe's call: the stack is where it was when the call returns. */
static __always_inline int call_entered(struct pt_regs *ctx, enum call_function function,
					u64 first, u64 second)
{
	return call_note(function, PT_REGS_SP(ctx), first, second);
}

static __always_inline bool call_left(struct pt_regs *ctx, enum call_function function,
				      struct call *call)
{
	return call_take(function, PT_REGS_SP(ctx) - RETURN_ADDRESS_BYTES, call);
}

/*
 * The hooks of a call. `of_ctx` and `of_call` say what is done when it has returned: by what
 * the arguments in `ctx` are, and by what a kprobe has noted of them, `call.first` and
 * `call.second`, which are `kept_first` and `kept_second` of the registers.
 */
#define CALL_HOOKS(name, function, of_ctx, kept_first, kept_second, of_call)                   \
	SEC("fexit/" function)                                                                 \
	int name##_fentry(u64 *ctx)                                                            \
	{                                                                                      \
		return leave(ctx, of_ctx);                                                     \
	}                                                                                      \
	SEC("kprobe/" function)                                                                \
	int within_##name##_kprobe(struct pt_regs *ctx)                                        \
	{                                                                                      \
		return leave(ctx, call_entered(ctx, CALL_##name, kept_first, kept_second));    \
	}                                                                                      \
	SEC("kretprobe/" function)                                                             \
	int name##_kprobe(struct pt_regs *ctx)                                                 \
	{                                                                                      \
		struct call call;                                                              \
		if (!call_left(ctx, CALL_##name, &call))                                       \
			return 0;                                                              \
		return leave(ctx, of_call);                                                    \
	}

/* Of one about an open file, argument `number` (from 1) of `count`. */
#define FILE_CALL_HOOKS(name, function, number, count, body)                                   \
	CALL_HOOKS(name, function, body(DIRECT, (struct file *)ctx[number - 1], ctx[count]),   \
		   PT_REGS_PARM##number(ctx), 0,                                               \
		   body(PROBE, (struct file *)call.first, PT_REGS_RC(ctx)))

/* Of one about two, arguments `from` and `to` (from 1) of `count`. */
#define FILES_CALL_HOOKS(name, function, from, to, count, body)                                \
	CALL_HOOKS(name, function,                                                             \
		   body(DIRECT, (struct file *)ctx[from - 1], (struct file *)ctx[to - 1],      \
			ctx[count]),                                                           \
		   PT_REGS_PARM##from(ctx), PT_REGS_PARM##to(ctx),                             \
		   body(PROBE, (struct file *)call.first, (struct file *)call.second,          \
			PT_REGS_RC(ctx)))
