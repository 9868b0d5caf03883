//! The arguments of the commands around attachments, as in [`attr`](super::attr).
//!
//! Source: include/uapi/linux/bpf.h

use super::attr::{Attr, attr};

attr!(
    /// BPF_OBJ_PIN and BPF_OBJ_GET.
    ObjAttr, 16 {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
    }
);

attr!(
    /// BPF_PROG_GET_FD_BY_ID and BPF_LINK_GET_FD_BY_ID.
    GetFdByIdAttr, 12 {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }
);

attr!(
    /// BPF_PROG_ATTACH and BPF_PROG_DETACH.
    ProgAttachAttr, 32 {
        target_fd: u32,
        attach_bpf_fd: u32,
        attach_type: u32,
        attach_flags: u32,
        replace_bpf_fd: u32,
        relative_fd: u32,
        expected_revision: u64,
    }
);

attr!(
    /// BPF_PROG_QUERY; counts, flags and revision are written back.
    ProgQueryAttr, 64 {
        target_fd: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        prog_ids: u64,
        count: u32,
        zero: u32,
        prog_attach_flags: u64,
        link_ids: u64,
        link_attach_flags: u64,
        revision: u64,
    }
);

attr!(
    /// BPF_PROG_TEST_RUN; sizes, return value and duration are written back.
    TestRunAttr, 80 {
        prog_fd: u32,
        retval: u32,
        data_in_bytes: u32,
        data_out_bytes: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration_ns: u32,
        ctx_in_bytes: u32,
        ctx_out_bytes: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        zero: u32,
    }
);

attr!(
    /// BPF_LINK_UPDATE.
    LinkUpdateAttr, 16 {
        link_fd: u32,
        new_prog_fd: u32,
        flags: u32,
        old_prog_fd: u32,
    }
);

attr!(
    /// BPF_LINK_DETACH.
    LinkDetachAttr, 4 { link_fd: u32, }
);

attr!(
    /// `struct bpf_link_info`, its union as it comes.
    LinkHeadOut, 48 {
        link_type: u32,
        id: u32,
        prog_id: u32,
        zero: u32,
        target: [u8; 32],
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn test_run_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(TestRunAttr, data_out), 24);
        assert_eq!(offset_of!(TestRunAttr, duration_ns), 36);
        assert_eq!(offset_of!(TestRunAttr, ctx_out), 56);
        assert_eq!(offset_of!(TestRunAttr, batch_size), 72);
    }

    #[test]
    fn query_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(ProgQueryAttr, prog_ids), 16);
        assert_eq!(offset_of!(ProgQueryAttr, count), 24);
        assert_eq!(offset_of!(ProgQueryAttr, link_ids), 40);
        assert_eq!(offset_of!(ProgQueryAttr, revision), 56);
    }

    #[test]
    fn attach_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(ProgAttachAttr, replace_bpf_fd), 16);
        assert_eq!(offset_of!(ProgAttachAttr, expected_revision), 24);
    }
}
