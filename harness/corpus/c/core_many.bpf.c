/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hundreds of relocations of one struct, in a row. */
#include "corpus.h"

struct task_struct {
	char pid[1];
	char tgid[1];
	char exit_code[1];
	char exit_signal[1];
	char flags[1];
	char prio[1];
	char static_prio[1];
	char normal_prio[1];
	char rt_priority[1];
	char policy[1];
	char start_time[1];
	char utime[1];
	char stime[1];
	char nvcsw[1];
	char nivcsw[1];
	char min_flt[1];
	char maj_flt[1];
	char comm[1];
	char stack[1];
	char usage[1];
	char mm[1];
	char active_mm[1];
	char real_parent[1];
	char parent[1];
	char group_leader[1];
	char thread_pid[1];
	char real_cred[1];
	char cred[1];
	char files[1];
	char fs[1];
	char nsproxy[1];
	char signal[1];
	char sighand[1];
	char blocked[1];
	char pending[1];
	char audit_context[1];
	char seccomp[1];
	char task_works[1];
	char tasks[1];
	char children[1];
	char sibling[1];
	char ptraced[1];
	char pi_lock[1];
	char journal_info[1];
	char bio_list[1];
	char io_context[1];
	char splice_pipe[1];
	char timer_slack_ns[1];
} CORE;

__u64 sum;

#define ASK(field)                                                             \
	sum += bpf_core_field_exists(task->field);                             \
	sum ^= bpf_core_field_size(task->field);                               \
	sum += bpf_core_field_offset(task->field);

SEC("raw_tp/sys_enter")
int many(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	ASK(pid)
	ASK(tgid)
	ASK(exit_code)
	ASK(exit_signal)
	ASK(flags)
	ASK(prio)
	ASK(static_prio)
	ASK(normal_prio)
	ASK(rt_priority)
	ASK(policy)
	ASK(start_time)
	ASK(utime)
	ASK(stime)
	ASK(nvcsw)
	ASK(nivcsw)
	ASK(min_flt)
	ASK(maj_flt)
	ASK(comm)
	ASK(stack)
	ASK(usage)
	ASK(mm)
	ASK(active_mm)
	ASK(real_parent)
	ASK(parent)
	ASK(group_leader)
	ASK(thread_pid)
	ASK(real_cred)
	ASK(cred)
	ASK(files)
	ASK(fs)
	ASK(nsproxy)
	ASK(signal)
	ASK(sighand)
	ASK(blocked)
	ASK(pending)
	ASK(audit_context)
	ASK(seccomp)
	ASK(task_works)
	ASK(tasks)
	ASK(children)
	ASK(sibling)
	ASK(ptraced)
	ASK(pi_lock)
	ASK(journal_info)
	ASK(bio_list)
	ASK(io_context)
	ASK(splice_pipe)
	ASK(timer_slack_ns)
	return 0;
}
