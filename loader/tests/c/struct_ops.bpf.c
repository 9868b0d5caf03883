/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Tables of functions, some of which no kernel can take. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

struct ops___ours {
	__u32 number;
	int (*first)(void);
	int (*second)(int);
	int (*not_there)(void);
	char name[8];
};

struct misfit_ops {
	__u64 number;
};

struct older_ops {
	int (*not_there)(void);
};

struct absent_ops {
	int (*call)(void);
};

SEC("struct_ops/first")
int first(void)
{
	return 1;
}

SEC("?struct_ops/second")
int second(int x)
{
	return x;
}

SEC("struct_ops/third")
int third(void)
{
	return 3;
}

SEC("struct_ops/lonely")
int lonely(void)
{
	return 4;
}

SEC(".struct_ops")
struct ops___ours table = {
	.number = 7,
	.first = first,
	.second = second,
	.name = "table",
};

SEC(".struct_ops.link")
struct ops___ours linked = {
	.first = first,
	.name = "linked",
};

SEC("?.struct_ops")
struct misfit_ops misfit = {
	.number = 1,
};

SEC("?.struct_ops.link")
struct older_ops older = {
	.not_there = third,
};

SEC("?.struct_ops")
struct absent_ops absent = {
	.call = third,
};

char LICENSE[] SEC("license") = "GPL";
