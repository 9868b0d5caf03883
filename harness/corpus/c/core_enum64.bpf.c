/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enums of 64 bits here, of 32 or 64 in the kernel. */
#include "corpus.h"

enum pid_type {
	PIDTYPE_PID = 0x100000000ULL,
	PIDTYPE_TGID = 0x200000000ULL,
};
enum perf_event_sample_format {
	PERF_SAMPLE_IP = -0x7fffffffffffLL,
	PERF_SAMPLE_MAX = 1,
};
enum made_up_wide {
	MADE_UP_WIDE = 0xffffffffffffULL,
};

__s64 sum;

SEC("raw_tp/sys_enter")
int values(void *ctx)
{
	sum += bpf_core_enum_value(enum pid_type, PIDTYPE_PID);
	sum += bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	sum += bpf_core_enum_value(enum perf_event_sample_format, PERF_SAMPLE_IP);
	sum += bpf_core_enum_value(enum perf_event_sample_format, PERF_SAMPLE_MAX);
	if (bpf_core_enum_value_exists(enum made_up_wide, MADE_UP_WIDE))
		sum += bpf_core_enum_value(enum made_up_wide, MADE_UP_WIDE);
	return 0;
}
