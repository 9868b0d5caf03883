/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enumerators: values that moved, signed ones, missing ones, flavours. */
#include "corpus.h"

enum bpf_map_type___other {
	BPF_MAP_TYPE_ARRAY___other = 77,
	BPF_MAP_TYPE_RINGBUF___other = 78,
	BPF_MAP_TYPE_ARENA___other = 79,
	NOPE___other = 80,
};
enum pid_type {
	PIDTYPE_PID = 11,
	PIDTYPE_TGID = 12,
	PIDTYPE_MAX = 13,
};
enum rseq_cpu_id_state {
	RSEQ_CPU_ID_UNINITIALIZED = 5,
	RSEQ_CPU_ID_REGISTRATION_FAILED = 6,
};
enum cpuhp_state {
	CPUHP_INVALID = 7,
	CPUHP_OFFLINE = 8,
	CPUHP_ONLINE = 9,
};

__s64 sum;

SEC("raw_tp/sys_enter")
int values(void *ctx)
{
	sum += bpf_core_enum_value(enum pid_type, PIDTYPE_PID);
	sum += bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	sum += bpf_core_enum_value(enum pid_type, PIDTYPE_MAX);
	sum += bpf_core_enum_value(enum cpuhp_state, CPUHP_INVALID);
	sum += bpf_core_enum_value(enum cpuhp_state, CPUHP_ONLINE);
	sum += bpf_core_enum_value(enum bpf_map_type___other, BPF_MAP_TYPE_ARRAY___other);
	sum += bpf_core_enum_value(enum bpf_map_type___other, BPF_MAP_TYPE_RINGBUF___other);
	sum += bpf_core_enum_value_exists(enum bpf_map_type___other, BPF_MAP_TYPE_ARENA___other);
	sum += bpf_core_enum_value_exists(enum bpf_map_type___other, NOPE___other);
	sum += bpf_core_enum_value_exists(enum bpf_map_type, BPF_MAP_TYPE_HASH);
	sum += bpf_core_enum_value_exists(enum rseq_cpu_id_state, RSEQ_CPU_ID_UNINITIALIZED);
	if (bpf_core_enum_value_exists(enum rseq_cpu_id_state, RSEQ_CPU_ID_REGISTRATION_FAILED))
		sum += bpf_core_enum_value(enum rseq_cpu_id_state,
					   RSEQ_CPU_ID_REGISTRATION_FAILED);
	return 0;
}
