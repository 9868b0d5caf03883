/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_USER_RINGBUF: records from user space. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 65536);
} a_map SEC(".maps");

static long drain(struct bpf_dynptr *record, void *sum)
{
	__u64 *value = bpf_dynptr_data(record, 0, sizeof(*value));

	if (value)
		*(__u64 *)sum += *value;
	return 0;
}

SEC("raw_tp/sys_enter")
int receive(void *ctx)
{
	__u64 sum = 0;

	bpf_user_ringbuf_drain(&a_map, drain, &sum, 0);
	return 0;
}
