/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types of all kinds that the kernel may have. */
#include "corpus.h"

struct task_struct {
	int any;
};
struct bpf_ringbuf {
	int any;
};
struct folio {
	int any;
};
union bpf_attr___here {
	int any;
};
struct callback_head;
typedef __u64 sector_t;
typedef unsigned int gfp_t;
typedef int pid_t_nope;
typedef void (*rcu_callback_t)(struct callback_head *head);
typedef struct { __u32 val; } kuid_t;
typedef int initcall_t[3];
typedef struct task_struct *u64;

__u64 sum;

SEC("raw_tp/sys_enter")
int exist(void *ctx)
{
	sum += bpf_core_type_exists(struct task_struct);
	sum += bpf_core_type_exists(struct bpf_ringbuf) << 1;
	sum += bpf_core_type_exists(struct folio) << 2;
	sum += bpf_core_type_exists(union bpf_attr___here) << 3;
	sum += bpf_core_type_exists(enum bpf_cmd) << 4;
	sum += bpf_core_type_exists(sector_t) << 5;
	sum += bpf_core_type_exists(gfp_t) << 6;
	sum += bpf_core_type_exists(pid_t_nope) << 7;
	sum += bpf_core_type_exists(rcu_callback_t) << 8;
	sum += bpf_core_type_exists(kuid_t) << 9;
	sum += bpf_core_type_exists(initcall_t) << 10;
	sum += bpf_core_type_exists(u64) << 11;
	return 0;
}
