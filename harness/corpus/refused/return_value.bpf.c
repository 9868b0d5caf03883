/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Returns what a program of its kind may not return. */
#include "../c/corpus.h"

SEC("cgroup/skb")
int returns_five(struct __sk_buff *skb)
{
	return 5;
}
