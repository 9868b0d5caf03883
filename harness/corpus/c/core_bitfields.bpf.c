/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bit fields: offset, size, sign and shifts. */
#include "corpus.h"

struct task_struct {
	unsigned int sched_reset_on_fork : 1;
	unsigned int sched_contributes_to_load : 1;
	unsigned int in_execve : 1;
	unsigned int in_iowait : 1;
	unsigned int no_cgroup_migration : 1;
	int pid;
} CORE;
struct sk_buff {
	__u8 pkt_type : 3;
	__u8 cloned : 1;
	__u8 ip_summed : 2;
	__u8 encapsulation : 1;
	__u32 len;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int probed(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, sched_contributes_to_load);
	if (bpf_core_field_exists(task->in_execve))
		sum += BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	if (bpf_core_field_exists(task->no_cgroup_migration))
		sum += BPF_CORE_READ_BITFIELD_PROBED(task, no_cgroup_migration);
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, pid);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(direct, struct sk_buff *skb)
{
	sum += BPF_CORE_READ_BITFIELD(skb, pkt_type);
	sum += BPF_CORE_READ_BITFIELD(skb, cloned);
	sum += BPF_CORE_READ_BITFIELD(skb, ip_summed);
	sum += BPF_CORE_READ_BITFIELD(skb, encapsulation);
	sum += BPF_CORE_READ_BITFIELD(skb, len);
	return 0;
}
