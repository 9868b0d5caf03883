/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What depends on the architecture: names and arguments of system calls.
 *
 * Since Linux 4.17 a system call's function takes the caller's registers, not
 * its arguments: `long __x64_sys_execve(const struct pt_regs *regs)`.
 * Source: arch/x86/include/asm/syscall_wrapper.h,
 * arch/arm64/include/asm/syscall_wrapper.h.
 */
#pragma once

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#define SYSCALL(name) "__x64_sys_" #name
#define COMPAT_SYSCALL(name) "__ia32_compat_sys_" #name

/* Offsets of the first four arguments in the registers, native and 32-bit. */
#define SYSCALL_ARG_0 offsetof(struct pt_regs, di)
#define SYSCALL_ARG_1 offsetof(struct pt_regs, si)
#define SYSCALL_ARG_2 offsetof(struct pt_regs, dx)
#define SYSCALL_ARG_3 offsetof(struct pt_regs, r10)
#define COMPAT_ARG_0 offsetof(struct pt_regs, bx)
#define COMPAT_ARG_1 offsetof(struct pt_regs, cx)
#define COMPAT_ARG_2 offsetof(struct pt_regs, dx)
#define COMPAT_ARG_3 offsetof(struct pt_regs, si)

/* What a call leaves on the stack until it returns. */
#define RETURN_ADDRESS_BYTES 8

/* One more of a function's arguments than bpf_tracing.h has names for. */
#define SIXTH_ARGUMENT(ctx) ((ctx)->r9)

#elif defined(__TARGET_ARCH_arm64)

#define RETURN_ADDRESS_BYTES 0
#define SIXTH_ARGUMENT(ctx) (((struct user_pt_regs *)(ctx))->regs[5])

/* The kernel's pt_regs begins with this part, which is all that BPF sees. */
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};

struct pt_regs;

#define SYSCALL(name) "__arm64_sys_" #name
#define COMPAT_SYSCALL(name) "__arm64_compat_sys_" #name
#define SYSCALL_ARG_0 offsetof(struct user_pt_regs, regs[0])
#define SYSCALL_ARG_1 offsetof(struct user_pt_regs, regs[1])
#define SYSCALL_ARG_2 offsetof(struct user_pt_regs, regs[2])
#define SYSCALL_ARG_3 offsetof(struct user_pt_regs, regs[3])
#define COMPAT_ARG_0 SYSCALL_ARG_0
#define COMPAT_ARG_1 SYSCALL_ARG_1
#define COMPAT_ARG_2 SYSCALL_ARG_2
#define COMPAT_ARG_3 SYSCALL_ARG_3

#else
#error "no such architecture here: add its system call names and registers"
#endif
