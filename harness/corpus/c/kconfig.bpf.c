/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* .kconfig externs of every type that there is. */
#include "corpus.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_NET __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern __u64 CONFIG_LOG_BUF_SHIFT __kconfig;
extern short CONFIG_NR_CPUS __kconfig;
extern char CONFIG_BPF __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;

int version;
bool wrapper;
bool cookie;
bool bpf_syscall;
int net;
unsigned int hz;
__u64 log_buf_shift;
short nr_cpus;
char bpf;
char hostname;
__u64 hits;

SEC("raw_tp/sys_enter")
int read_config(void *ctx)
{
	version = LINUX_KERNEL_VERSION;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	cookie = LINUX_HAS_BPF_COOKIE;
	bpf_syscall = CONFIG_BPF_SYSCALL;
	net = CONFIG_NET;
	hz = CONFIG_HZ;
	log_buf_shift = CONFIG_LOG_BUF_SHIFT;
	nr_cpus = CONFIG_NR_CPUS;
	bpf = CONFIG_BPF;
	hostname = CONFIG_DEFAULT_HOSTNAME[1];
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
