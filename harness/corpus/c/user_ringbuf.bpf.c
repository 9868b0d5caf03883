/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring buffer from user space to a program, which sums what it reads. */
#include "corpus.h"


static long (*drain)(void *map, void *callback, void *ctx, __u64 flags) = (void *)209;

struct {
	__uint(type, 31); /* BPF_MAP_TYPE_USER_RINGBUF */
	__uint(max_entries, 4096);
} commands SEC(".maps");

__u64 sum;
__u64 hits;

static long on_command(struct bpf_dynptr *dynptr, void *ctx)
{
	__u64 value = 0;

	if (!bpf_dynptr_read(&value, sizeof(value), dynptr, 0, 0))
		sum += value;
	hits++;
	return 0;
}

SEC("ksyscall/setdomainname")
int on_setdomainname(void *ctx)
{
	drain(&commands, on_command, 0, 0);
	return 0;
}
