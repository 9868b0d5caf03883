/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Global variables of every kind of type. */
#include "corpus.h"

enum color { RED = -1, GREEN = 1 };
enum wide { SMALL = 1, HUGE = 0x123456789abcULL };
typedef struct { __u8 one, two; } bytes_t;
union either { __u64 number; char text[16]; };

enum color color = GREEN;
enum wide wide = HUGE;
bytes_t bytes = {1, 2};
union either either;
bool flag = true;
int matrix[3][4] = {{1}};
void *pointer;
int (*function)(int);
const char *volatile text_pointer;
struct { __u32 a : 3, b : 29; } bits = {1, 2};
__int128 large;

SEC("raw_tp/sys_enter")
int use(void *ctx)
{
	bytes.one += bytes.two + flag + matrix[1][2] + bits.a;
	either.number++;
	wide += color;
	large++;
	return !!pointer + !!function + !!text_pointer;
}
