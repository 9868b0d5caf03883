/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers of types, here and in the kernel. */
#include "corpus.h"

struct task_struct {
	int pid;
} CORE;
union bpf_attr___here {
	__u32 map_type;
} CORE;
struct nope {
	int field;
};
struct local_only {
	int field;
};
enum pid_type { PIDTYPE_PID };
typedef int (*callback)(struct task_struct *);

__u64 sum;
struct local_only local;

SEC("raw_tp/sys_enter")
int ids(void *ctx)
{
	sum += bpf_core_type_id_kernel(struct task_struct);
	sum += bpf_core_type_id_kernel(union bpf_attr___here);
	sum += bpf_core_type_id_kernel(enum pid_type);
	sum += bpf_core_type_id_kernel(struct nope);
	sum += bpf_core_type_id_local(struct local_only) + local.field;
	sum += bpf_core_type_id_local(struct task_struct);
	sum += bpf_core_type_id_local(callback);
	return 0;
}
