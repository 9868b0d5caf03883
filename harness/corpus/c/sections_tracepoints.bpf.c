/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of tracepoints: formatted, raw, writable, typed. */
#include "corpus.h"

SEC("tracepoint/sched/sched_process_exit")
int on_tracepoint_sched_sched_process_exit(void *ctx)
{
	return 0;
}

SEC("tp/sched/sched_process_exec")
int on_tp_sched_sched_process_exec(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint/sched_process_exit")
int on_raw_tracepoint_sched_process_exit(void *ctx)
{
	return 0;
}

SEC("raw_tp/sched_process_exec")
int on_raw_tp_sched_process_exec(void *ctx)
{
	return 0;
}

SEC("raw_tp")
int on_raw_tp(void *ctx)
{
	return 0;
}

SEC("tp_btf/sched_process_exit")
int on_tp_btf_sched_process_exit(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint.w/nbd_send_request")
int on_raw_tracepoint_w_nbd_send_request(void *ctx)
{
	return 0;
}

SEC("raw_tp.w/bpf_test_finish")
int on_raw_tp_w_bpf_test_finish(void *ctx)
{
	return 0;
}
