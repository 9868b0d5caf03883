/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A small kernel: a variable and a function for externs.bpf.c. */
struct thing {
	int field;
};

struct thing a_thing;

int a_function(struct thing *thing)
{
	return thing->field;
}
