// A small kernel's types: other offsets, widths and nesting than core_fake
// expects, and two types of one name.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef _Bool bool;

struct moved {
	u64 padding[3];
	int a;
	struct {
		union {
			u64 other;
			struct {
				u32 pad;
				u8 b;
			};
		};
	};
	short array[8];
	const volatile u32 *pointer;
	u32 low : 3, high : 13;
	int negative : 5;
};

struct resized {
	u32 wider;
	u64 narrower;
	short now_signed;
	u64 lengths[4];
	int was_pointer;
};

// One name, two types that agree on `same` only.
struct twice {
	int same;
	int differs;
};

struct twice___other {
	int same;
	int between;
	int differs;
};

// Only one of the two has both fields.
struct pruned {
	int marker;
	int value;
};

struct pruned___other {
	long something;
	int value;
};

enum color { RED = 5, GREEN = -3, BLUE___renamed = 9 };
enum wide { HUGE = 0x123456789abcdef0ul };

typedef int (*handler_t)(struct moved *, u64);

struct fits {
	int a;
	struct moved *moved;
	handler_t handler;
};

struct flexible {
	int count;
	u64 tail[];
};

// Types after the 64th id need the sparse index.
#define MANY(n) struct many_##n { struct { int x##n; } *p; union { u64 y##n; } u; } m##n

struct kept {
	struct moved m;
	struct resized r;
	struct twice t;
	struct twice___other o;
	struct pruned p;
	struct pruned___other q;
	enum color c;
	enum wide w;
	struct fits f;
	MANY(1);
	MANY(2);
	MANY(3);
	MANY(4);
	MANY(5);
	MANY(6);
	struct flexible x;
};

int vfs_something(const struct moved *path, u64 *offset, bool flag, char *const *names)
{
	return path && *offset && flag && names;
}

typedef void (*btf_trace_something)(void *__data, struct moved *moved, int value);

struct kept everything;
btf_trace_something tracepoint;
