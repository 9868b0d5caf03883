// The place of an array without a length, which the kernel has, and one of its
// elements, which the kernel does not have.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct middle {
	int before;
	__u64 none[];
} __attribute__((preserve_access_index));

SEC("raw_tp/something")
int middle(__u64 *ctx)
{
	struct middle *m = (void *)ctx[0];

	return bpf_core_field_exists(m->none) + 10 * bpf_core_field_exists(m->none[3]);
}
