// Relocations against the types of kernel.bpf.c. Each program ends in one
// number per relocation; nothing of this is ever loaded.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CORE __attribute__((preserve_access_index))

struct moved {
	int a;
	__u8 b;
	short array[8];
	const __u32 *pointer;
	__u32 high : 13;
	int negative : 5;
} CORE;

struct resized {
	__u8 wider;
	__u64 narrower_not_there;
	unsigned short now_signed;
	__u32 lengths[4];
	void *was_pointer;
} CORE;

struct twice {
	int same;
	int differs;
} CORE;

struct pruned {
	int marker;
	int value;
} CORE;

enum color { RED, GREEN, BLUE };
enum wide { HUGE = 0xffffffffff };
enum color___missing { PURPLE = 1 };

typedef int (*handler_t)(struct moved *, unsigned long);

struct fits {
	int a;
	struct moved *moved;
	handler_t handler;
};

struct fits___not {
	int a;
	struct moved *moved;
	int handler;
};

struct flexible {
	int count;
	__u64 tail[];
} CORE;

#define PROG(name) SEC("raw_tp/" #name) int name(__u64 *ctx)

PROG(offsets)
{
	struct moved *m = (void *)ctx[0];
	return bpf_core_field_offset(m->a) + bpf_core_field_offset(m->b) +
	       bpf_core_field_offset(m->array[2]) + bpf_core_field_size(m->array) +
	       bpf_core_field_size(m->array[1]);
}

PROG(loads)
{
	struct moved *m = (void *)ctx[0];
	return m->a + m->b + m->array[3] + (m->pointer != 0);
}

PROG(bitfields)
{
	struct moved *m = (void *)ctx[0];
	return BPF_CORE_READ_BITFIELD(m, high) + BPF_CORE_READ_BITFIELD(m, negative);
}

PROG(widths)
{
	struct resized *r = (void *)ctx[0];
	return r->wider + r->lengths[2];
}

PROG(sign_changed)
{
	struct resized *r = (void *)ctx[0];
	return r->now_signed;
}

PROG(type_changed)
{
	struct resized *r = (void *)ctx[0];
	return r->was_pointer != 0;
}

PROG(guarded)
{
	struct resized *r = (void *)ctx[0];
	if (bpf_core_field_exists(r->narrower_not_there))
		return r->narrower_not_there;
	return 0;
}

PROG(agreeing)
{
	struct twice *t = (void *)ctx[0];
	return t->same;
}

PROG(ambiguous)
{
	struct twice *t = (void *)ctx[0];
	return t->differs;
}

PROG(pruned_by_marker)
{
	struct pruned *p = (void *)ctx[0];
	return p->marker + p->value;
}

PROG(enums)
{
	return bpf_core_enum_value(enum color, RED) + bpf_core_enum_value(enum color, GREEN) +
	       bpf_core_enum_value(enum color, BLUE) + bpf_core_enum_value(enum wide, HUGE) +
	       bpf_core_enum_value_exists(enum color___missing, PURPLE);
}

PROG(types)
{
	return bpf_core_type_size(struct moved) + bpf_core_type_exists(struct pruned) +
	       bpf_core_type_matches(struct fits) + bpf_core_type_matches(struct fits___not) +
	       bpf_core_type_exists(handler_t) + bpf_core_type_exists(struct fits___not);
}

PROG(flexible_tail)
{
	struct flexible *f = (void *)ctx[0];
	return f->tail[5];
}
