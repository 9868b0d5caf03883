/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A perf event array, with as many elements as there are CPUs: every call that only
 * the test makes sends its number. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} records SEC(".maps");

__u64 hits;
__u64 refused;

SEC("ksyscall/setdomainname")
int on_setdomainname(void *ctx)
{
	__u64 number = hits;

	if (bpf_perf_event_output(ctx, &records, BPF_F_CURRENT_CPU, &number, sizeof(number)))
		__sync_fetch_and_add(&refused, 1);
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
