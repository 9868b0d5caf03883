//! Names, contents, sizes, mappings and attributes.

use super::{Argument, Hook, RESULT, argument, required, where_present};

/// The arguments that the programs of the file family look for.
pub(crate) const FILE_ARGUMENTS: &[Argument] = &[
    argument("vfs_create", "dentry"),
    argument("vfs_mknod", "dentry"),
    argument("vfs_mkdir", "dentry"),
    argument("vfs_symlink", "dentry"),
    argument("vfs_link", "new_dentry"),
    argument("vfs_unlink", "dentry"),
    argument("vfs_rmdir", "dentry"),
    argument("do_truncate", "filp"),
    argument("mprotect_fixup", RESULT),
    argument("hugetlb_file_setup", RESULT),
    argument("vfs_setxattr", "dentry"),
    argument("vfs_setxattr", "name"),
    argument("vfs_removexattr", "dentry"),
    argument("vfs_removexattr", "name"),
    argument("vfs_set_acl", "dentry"),
    argument("vfs_set_acl", "acl_name"),
    argument("vfs_remove_acl", "dentry"),
    argument("vfs_remove_acl", "acl_name"),
];

/// The hooks of the file family. What notes an argument is attached after what
/// waits for it, as there.
pub(crate) const FILE: &[Hook] = &[
    required(
        "mknod",
        &["after_create_fentry", "after_mknod_fentry"],
        &[
            "after_create_kprobe",
            "within_create_kprobe",
            "after_mknod_kprobe",
            "within_mknod_kprobe",
        ],
    ),
    required(
        "mkdir",
        &["after_mkdir_fentry"],
        &["after_mkdir_kprobe", "within_mkdir_kprobe"],
    ),
    required(
        "symlink",
        &["after_symlink_fentry"],
        &["after_symlink_kprobe", "within_symlink_kprobe"],
    ),
    required(
        "link",
        &["after_link_fentry"],
        &["after_link_kprobe", "within_link_kprobe"],
    ),
    required(
        "rename",
        &["after_rename_fentry"],
        &["after_rename_kprobe", "within_rename_kprobe"],
    ),
    required(
        "unlink",
        &["after_unlink_fentry"],
        &["after_unlink_kprobe", "within_unlink_kprobe"],
    ),
    required(
        "rmdir",
        &["after_rmdir_fentry"],
        &["after_rmdir_kprobe", "within_rmdir_kprobe"],
    ),
    where_present(
        "rmdir up to 6.19",
        &["do_rmdir_fentry"],
        &["do_rmdir_kprobe"],
    ),
    where_present(
        "rmdir since 7.0",
        &["filename_rmdir_fentry"],
        &["filename_rmdir_kprobe"],
    ),
    Hook {
        kretprobe: Some("name_refused_kprobe"),
        ..required(
            "what a name is about to be",
            &[
                "before_mknod_fentry",
                "before_mkdir_fentry",
                "before_symlink_fentry",
                "before_link_fentry",
                "before_unlink_fentry",
            ],
            &[
                "before_mknod_kprobe",
                "before_mkdir_kprobe",
                "before_symlink_kprobe",
                "before_link_kprobe",
                "before_unlink_kprobe",
            ],
        )
    },
    Hook {
        kretprobe: Some("move_refused_kprobe"),
        ..required(
            "where a name is about to go",
            &["before_rename_fentry", "before_rmdir_fentry"],
            &["before_rename_kprobe", "before_rmdir_kprobe"],
        )
    },
    required("release of files", &["release_fentry"], &["release_kprobe"]),
    required("open", &["open_fentry"], &["open_kprobe"]),
    required(
        "read",
        &["read_fentry"],
        &["read_kprobe", "within_read_kprobe"],
    ),
    required(
        "readv",
        &["readv_fentry"],
        &["readv_kprobe", "within_readv_kprobe"],
    ),
    required(
        "write",
        &["write_fentry"],
        &["write_kprobe", "within_write_kprobe"],
    ),
    required(
        "writev",
        &["writev_fentry"],
        &["writev_kprobe", "within_writev_kprobe"],
    ),
    required(
        "fallocate",
        &["fallocate_fentry"],
        &["fallocate_kprobe", "within_fallocate_kprobe"],
    ),
    required(
        "sendfile",
        &["sendfile_fentry"],
        &["sendfile_kprobe", "within_sendfile_kprobe"],
    ),
    required(
        "splice",
        &["splice_fentry"],
        &["splice_kprobe", "within_splice_kprobe"],
    ),
    where_present(
        "splice from a file since 6.1",
        &["splice_to_pipe_fentry"],
        &["splice_to_pipe_kprobe", "within_splice_to_pipe_kprobe"],
    ),
    required(
        "copy_file_range",
        &["copy_range_fentry"],
        &["copy_range_kprobe", "within_copy_range_kprobe"],
    ),
    required(
        "clone of a range",
        &["clone_range_fentry"],
        &["clone_range_kprobe", "within_clone_range_kprobe"],
    ),
    required(
        "write by the kernel",
        &["kernel_write_fentry"],
        &["kernel_write_kprobe", "within_kernel_write_kprobe"],
    ),
    where_present(
        "write by the kernel since 6.1",
        &["kernel_write_iter_fentry"],
        &[
            "kernel_write_iter_kprobe",
            "within_kernel_write_iter_kprobe",
        ],
    ),
    required(
        "AIO read",
        &["aio_read_fentry"],
        &["aio_read_kprobe", "within_aio_read_kprobe"],
    ),
    required(
        "AIO write",
        &["aio_write_fentry"],
        &["aio_write_kprobe", "within_aio_write_kprobe"],
    ),
    required("io_uring", &["uring_fentry"], &["uring_kprobe"]),
    required(
        "truncate of an open file",
        &["truncate_fentry"],
        &["truncate_kprobe", "within_truncate_kprobe"],
    ),
    required(
        "truncate of a path",
        &["truncate_path_fentry"],
        &["truncate_path_kprobe", "within_truncate_path_kprobe"],
    ),
    required(
        "mmap",
        &["map_fentry"],
        &["map_kprobe", "within_map_kprobe"],
    ),
    required(
        "mprotect",
        &["protect_fentry", "asks_protection_fentry"],
        &["protect_kprobe", "asks_protection_kprobe"],
    ),
    required("memfd", &["memfd_fentry"], &["memfd_kprobe"]),
    required(
        "memfd of huge pages",
        &["memfd_huge_fentry"],
        &["memfd_huge_kprobe"],
    ),
    required(
        "the life of actors",
        &["actor_exit_fentry", "exclude_fork_fentry"],
        &["actor_exit_kprobe", "exclude_fork_kprobe"],
    ),
    required(
        "chmod",
        &["chmod_fentry"],
        &["chmod_kprobe", "within_chmod_kprobe"],
    ),
    required(
        "chown",
        &["chown_fentry"],
        &["chown_kprobe", "within_chown_kprobe"],
    ),
    required(
        "utimes",
        &["utimes_fentry"],
        &["utimes_kprobe", "within_utimes_kprobe"],
    ),
    required(
        "extended attributes",
        &[
            "give_back_fentry",
            "give_back_file_fentry",
            "setxattr_fentry",
            "removexattr_fentry",
            "set_up_fentry",
        ],
        &[
            "give_back_kprobe",
            "give_back_file_kprobe",
            "setxattr_kprobe",
            "within_setxattr_kprobe",
            "removexattr_kprobe",
            "within_removexattr_kprobe",
            "set_up_kprobe",
        ],
    ),
    where_present(
        "access control lists since 6.2",
        &["set_acl_fentry", "remove_acl_fentry"],
        &[
            "set_acl_kprobe",
            "within_set_acl_kprobe",
            "remove_acl_kprobe",
            "within_remove_acl_kprobe",
        ],
    ),
];
