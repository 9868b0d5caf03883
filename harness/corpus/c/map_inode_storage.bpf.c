/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_INODE_STORAGE: a value at each inode. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} a_map SEC(".maps");

struct inode;

struct file {
	struct inode *f_inode;
} CORE;

SEC("lsm/file_open")
int BPF_PROG(count, struct file *file)
{
	__u64 *value;

	value = bpf_inode_storage_get(&a_map, file->f_inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
