/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of anonymous structs and unions, nested otherwise than in the kernel. */
#include "corpus.h"

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	struct {
		__u16 skc_dport;
		union {
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
} CORE;
struct sock {
	struct sock_common __sk_common;
} CORE;
struct page {
	unsigned long flags;
	union {
		struct {
			union {
				struct {
					void *mapping;
				};
			};
		};
		unsigned long private;
	};
} CORE;
struct sk_buff {
	union {
		struct {
			struct sk_buff *next;
			struct sk_buff *prev;
		};
	};
	struct sock *sk;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int anonymous(void *ctx)
{
	struct sk_buff *skb = (void *)bpf_get_current_task();
	struct page *page = (void *)skb;

	sum += BPF_CORE_READ(skb, sk, __sk_common.skc_daddr);
	sum += BPF_CORE_READ(skb, sk, __sk_common.skc_rcv_saddr);
	sum += BPF_CORE_READ(skb, sk, __sk_common.skc_dport);
	sum += BPF_CORE_READ(skb, sk, __sk_common.skc_num);
	sum += BPF_CORE_READ(skb, sk, __sk_common.skc_family);
	sum += (__u64)BPF_CORE_READ(skb, next, prev);
	sum += (__u64)BPF_CORE_READ(page, mapping);
	sum += BPF_CORE_READ(page, private);
	return 0;
}
