/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup/connect4: two programs whose order shows, each a digit of the base 8. */
#include "corpus.h"

__u64 hits;

SEC("cgroup/connect4")
int first(struct bpf_sock_addr *ctx)
{
	hits = hits * 8 + 1;
	return 1;
}

SEC("cgroup/connect4")
int second(struct bpf_sock_addr *ctx)
{
	hits = hits * 8 + 2;
	return 1;
}
