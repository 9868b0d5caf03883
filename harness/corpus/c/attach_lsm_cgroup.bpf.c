/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* lsm_cgroup: counts the decisions of a hook for the processes of a cgroup. Kernel: 6.0 */
#include "corpus.h"

const volatile __u32 pid = 0;
__u64 hits;

SEC("lsm_cgroup/task_getpgid")
int BPF_PROG(on_lsm_cgroup, void *task)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		__sync_fetch_and_add(&hits, 1);
	/* Allowed. */
	return 1;
}
