/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fields, types and members that exist, or do not. */
#include "corpus.h"

struct task_struct {
	int pid;
	int nope_field;
	struct mm_struct *mm;
} CORE;
struct mm_struct {
	unsigned long nope_inside;
} CORE;
struct nope_struct {
	int field;
} CORE;
union nope_union {
	int field;
} CORE;
enum nope_enum { NOPE_VALUE = 3 };
typedef int nope_typedef;

__u64 sum;

SEC("raw_tp/sys_enter")
int ask_first(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct nope_struct *nothing = (void *)task;

	sum += bpf_core_field_exists(task->pid);
	if (bpf_core_field_exists(task->nope_field))
		sum += BPF_CORE_READ(task, nope_field);
	if (bpf_core_field_exists(struct mm_struct, nope_inside))
		sum += BPF_CORE_READ(task, mm, nope_inside);
	if (bpf_core_type_exists(struct nope_struct))
		sum += BPF_CORE_READ(nothing, field) + bpf_core_type_size(struct nope_struct);
	sum += bpf_core_type_exists(union nope_union);
	sum += bpf_core_type_exists(enum nope_enum);
	sum += bpf_core_type_exists(nope_typedef);
	sum += bpf_core_enum_value_exists(enum nope_enum, NOPE_VALUE);
	return 0;
}
