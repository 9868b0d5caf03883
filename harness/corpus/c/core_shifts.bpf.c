/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shifts and widths of all kinds of fields, bit fields or not. */
#include "corpus.h"

struct task_struct {
	int pid;
	char comm[16];
	unsigned long long start_time;
	unsigned short migration_disabled;
	unsigned int in_iowait : 1;
	unsigned int sched_reset_on_fork : 1;
	unsigned int made_up : 13;
} CORE;
struct tcp_sock {
	__u8 nonagle : 4;
	__u8 thin_lto : 1;
	__u8 repair : 1;
} CORE;

__u64 sum;
#define ALL(field)                                                             \
	sum += __builtin_preserve_field_info(field, BPF_FIELD_LSHIFT_U64);     \
	sum ^= __builtin_preserve_field_info(field, BPF_FIELD_RSHIFT_U64);     \
	sum += __builtin_preserve_field_info(field, BPF_FIELD_BYTE_OFFSET);    \
	sum ^= __builtin_preserve_field_info(field, BPF_FIELD_BYTE_SIZE);      \
	sum += __builtin_preserve_field_info(field, BPF_FIELD_EXISTS);

SEC("raw_tp/sys_enter")
int shifts(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tcp_sock *tcp = (void *)task;

	ALL(task->pid)
	ALL(task->start_time)
	ALL(task->migration_disabled)
	ALL(task->in_iowait)
	ALL(task->sched_reset_on_fork)
	ALL(tcp->nonagle)
	ALL(tcp->thin_lto)
	ALL(tcp->repair)
	if (bpf_core_field_exists(task->made_up)) {
		ALL(task->made_up)
	}
	return 0;
}
