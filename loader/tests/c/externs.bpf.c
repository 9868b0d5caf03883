/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Externs of every kind, some of which no kernel can satisfy. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

struct thing {
};

extern char CONFIG_TEXT[6] __kconfig;
extern __u64 CONFIG_WIDE __kconfig;
extern short CONFIG_SHORT __kconfig;
extern bool CONFIG_ON __kconfig;
extern enum libbpf_tristate CONFIG_MODULE __kconfig;
extern bool CONFIG_ABSENT __kconfig __weak;
extern bool CONFIG_STRONG __kconfig;
extern int CONFIG_STRUCT_SIZE __kconfig;

extern const void an_address __ksym __weak;
extern const struct thing a_thing __ksym;
extern const struct thing no_thing __ksym __weak;
extern int a_function(struct thing *thing) __ksym;
extern int a_function___other(int a, int b) __ksym __weak;
extern int no_function(int x) __ksym __weak;
extern int nowhere(int x);

SEC("socket")
int configured(void *ctx)
{
	return CONFIG_TEXT[1] + CONFIG_WIDE + CONFIG_SHORT + CONFIG_ON + CONFIG_MODULE +
	       CONFIG_ABSENT;
}

SEC("socket")
int needs_strong(void *ctx)
{
	return CONFIG_STRONG;
}

SEC("socket")
int needs_room(void *ctx)
{
	return CONFIG_STRUCT_SIZE;
}

SEC("socket")
int symbols(void *ctx)
{
	return (&no_thing == 0) + (&an_address == 0) + a_function((void *)&a_thing);
}

SEC("socket")
int asks_first(void *ctx)
{
	int sum = 0;

	if (a_function___other)
		sum += a_function___other(1, 2);
	if (no_function)
		sum += no_function(1);
	return sum;
}

SEC("socket")
int calls_nowhere(void *ctx)
{
	return nowhere(1);
}

char LICENSE[] SEC("license") = "GPL";
