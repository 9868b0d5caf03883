/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes of fields and types. */
#include "corpus.h"

struct list_head {
	struct list_head *next, *prev;
} CORE;
struct task_struct {
	int pid;
	char comm[16];
	unsigned long long start_time;
	struct list_head tasks;
	struct task_struct *real_parent;
	void *stack;
} CORE;
union bpf_attr___here {
	__u32 map_type;
} CORE;
struct module;
enum pid_type { PIDTYPE_PID };
typedef struct { int counter; } atomic_t;
typedef __u64 sector_t;

__u64 sum;

SEC("raw_tp/sys_enter")
int sizes(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += bpf_core_field_size(task->pid);
	sum += bpf_core_field_size(task->comm) + bpf_core_field_size(task->start_time);
	sum += bpf_core_field_size(task->tasks) + bpf_core_field_size(task->tasks.next);
	sum += bpf_core_field_size(task->real_parent) + bpf_core_field_size(task->stack);
	sum += bpf_core_type_size(struct task_struct);
	sum += bpf_core_type_size(union bpf_attr___here);
	sum += bpf_core_type_size(enum pid_type);
	sum += bpf_core_type_size(atomic_t);
	sum += bpf_core_type_size(sector_t);
	sum += bpf_core_type_size(struct list_head);
	return 0;
}
