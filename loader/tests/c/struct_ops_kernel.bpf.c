/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A small kernel with the tables of struct_ops.bpf.c, in another order. */
struct ops {
	char name[8];
	int (*more)(void);
	int (*second)(int);
	int (*first)(void);
	unsigned int number;
};

struct bpf_struct_ops_ops {
	long refcnt;
	struct ops data;
};

struct misfit_ops {
	unsigned int number;
};

struct bpf_struct_ops_misfit_ops {
	long refcnt;
	struct misfit_ops data;
};

struct older_ops {
	int (*there)(void);
};

struct bpf_struct_ops_older_ops {
	long refcnt;
	struct older_ops data;
};

struct bpf_struct_ops_ops a;
struct bpf_struct_ops_misfit_ops b;
struct bpf_struct_ops_older_ops c;
