/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fmod_ret: counts calls of a function whose result it could change. */
#include "corpus.h"

const volatile __u32 pid = 0;
__u64 hits;

SEC("fmod_ret/security_task_getpgid")
int BPF_PROG(on_fmod_ret, void *task, int ret)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		__sync_fetch_and_add(&hits, 1);
	return ret;
}
