/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A perf event array: what programs send without a ring buffer. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} records SEC(".maps");

struct record {
	__u64 number;
	__u64 cpu;
};

__u64 hits;
__u64 refused;
int target_tgid;

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	struct record record = {};

	if (bpf_get_current_pid_tgid() >> 32 != (__u32)target_tgid)
		return 0;
	record.number = hits;
	record.cpu = bpf_get_smp_processor_id();
	if (bpf_perf_event_output(ctx, &records, BPF_F_CURRENT_CPU, &record, sizeof(record)))
		__sync_fetch_and_add(&refused, 1);
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
