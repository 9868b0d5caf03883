/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unions as roots, and one inside of the other. */
#include "corpus.h"

union bpf_attr___here {
	struct {
		__u32 map_type;
		__u32 key_size;
		__u32 value_size;
	};
	struct {
		__u32 prog_type;
		__u32 insn_cnt;
		__u64 insns;
		__u64 license;
	};
	struct {
		union {
			__u32 start_id;
			__u32 prog_id;
		};
		__u32 next_id;
	};
	struct {
		__u64 name;
		__u32 prog_fd;
	} raw_tracepoint;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int unions(void *ctx)
{
	union bpf_attr___here *attr = (void *)bpf_get_current_task();

	sum += BPF_CORE_READ(attr, map_type) + BPF_CORE_READ(attr, value_size);
	sum += BPF_CORE_READ(attr, insns) + BPF_CORE_READ(attr, license);
	sum += BPF_CORE_READ(attr, next_id) + BPF_CORE_READ(attr, prog_id);
	sum += BPF_CORE_READ(attr, raw_tracepoint.prog_fd);
	return 0;
}
