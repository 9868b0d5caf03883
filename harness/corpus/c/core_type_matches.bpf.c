/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types whose shape matches the kernel's, or does not. */
#include "corpus.h"

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};
struct list_head___one {
	struct list_head___one *next;
};
struct list_head___wrong {
	int next;
};
struct list_head___more {
	struct list_head *next, *prev, *nope;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct timespec64___fields {
	__s64 tv_sec;
	long tv_nsec;
};
struct timespec64___sign {
	__u64 tv_sec;
};
struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};
struct callback_head___args {
	void (*func)(struct callback_head *head, int more);
};
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
enum pid_type___nope { PIDTYPE_PID___nope, NOPE___nope };
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_t___wide;
struct qspinlock;
struct task_struct___array {
	char comm[16];
};
struct task_struct___short {
	char comm[8];
};
union bpf_attr___any {
	struct { __u32 map_type; };
};
struct sock___forward {
	struct socket *sk_socket;
};

__u64 sum;
#define ASK(type, bit) sum |= (__u64)bpf_core_type_matches(type) << bit

SEC("raw_tp/sys_enter")
int match(void *ctx)
{
	ASK(struct list_head, 0);
	ASK(struct list_head___one, 1);
	ASK(struct list_head___wrong, 2);
	ASK(struct list_head___more, 3);
	ASK(struct hlist_node, 4);
	ASK(struct timespec64___fields, 5);
	ASK(struct timespec64___sign, 6);
	ASK(struct callback_head, 7);
	ASK(struct callback_head___args, 8);
	ASK(enum pid_type, 9);
	ASK(enum pid_type___nope, 10);
	ASK(atomic_t, 11);
	ASK(atomic_t___wide, 12);
	ASK(struct task_struct___array, 13);
	ASK(struct task_struct___short, 14);
	ASK(union bpf_attr___any, 15);
	ASK(struct sock___forward, 16);
	return 0;
}
