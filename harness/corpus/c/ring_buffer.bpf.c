/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring buffer: every call that only the test makes sends its number. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

__u64 hits;

SEC("kprobe/__x64_sys_setdomainname")
int on_setdomainname(void *ctx)
{
	__u64 number = hits;

	__sync_fetch_and_add(&hits, 1);
	bpf_ringbuf_output(&ring, &number, sizeof(number), 0);
	return 0;
}
