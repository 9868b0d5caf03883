//! The arguments of bpf(2) and perf_event_open(2), field by field.
//!
//! The kernel takes each command's structure at any length: what it does not
//! know must be zero, what is missing it takes as zero. So each structure here
//! ends with the last field that is used, and unused fields stay zero.
//!
//! Source: include/uapi/linux/bpf.h, include/uapi/linux/perf_event.h

/// The commands of bpf(2) that are sent.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(super) enum Command {
    MapCreate = 0,
    MapLookupElem = 1,
    MapUpdateElem = 2,
    MapDeleteElem = 3,
    MapGetNextKey = 4,
    ProgLoad = 5,
    ObjPin = 6,
    ObjGet = 7,
    ProgAttach = 8,
    ProgDetach = 9,
    ProgTestRun = 10,
    ProgGetNextId = 11,
    MapGetNextId = 12,
    ProgGetFdById = 13,
    MapGetFdById = 14,
    ObjGetInfoByFd = 15,
    ProgQuery = 16,
    RawTracepointOpen = 17,
    BtfLoad = 18,
    BtfGetFdById = 19,
    MapLookupAndDeleteElem = 21,
    MapFreeze = 22,
    BtfGetNextId = 23,
    MapLookupBatch = 24,
    MapLookupAndDeleteBatch = 25,
    MapUpdateBatch = 26,
    MapDeleteBatch = 27,
    LinkCreate = 28,
    LinkUpdate = 29,
    LinkGetFdById = 30,
    LinkGetNextId = 31,
    EnableStats = 32,
    IterCreate = 33,
    LinkDetach = 34,
}

/// A structure that the kernel reads, or writes, as bytes.
///
/// # Safety
/// `repr(C)`, made of integers and arrays of them only, without padding. The
/// `attr!` macro checks that last part where it declares one.
pub(super) unsafe trait Attr {}

/// Declares one such structure and proves, at compile time, that its fields
/// fill it (so nothing uninitialised reaches the kernel) and that it has the
/// size which the kernel's header gives it.
macro_rules! attr {
    ($(#[$doc:meta])* $name:ident, $bytes:literal { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        #[repr(C)]
        pub(super) struct $name { $(pub(super) $field: $type,)* }

        const _: () = assert!(size_of::<$name>() == $bytes);
        const _: () = assert!(0 $(+ size_of::<$type>())* == $bytes);

        // SAFETY: `repr(C)`; the fields are integers or arrays of them, as no
        // other type is used below, and the two assertions leave no room for
        // padding.
        unsafe impl Attr for $name {}
    };
}
pub(super) use attr;

attr!(
    /// BPF_MAP_CREATE.
    MapCreateAttr, 80 {
        map_type: u32,
        key_bytes: u32,
        value_bytes: u32,
        max_entries: u32,
        map_flags: u32,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; 16],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
        value_type_btf_obj_fd: u32,
        map_token_fd: u32,
    }
);

attr!(
    /// BPF_MAP_LOOKUP_ELEM, UPDATE, DELETE; GET_NEXT_KEY with `value` as next key.
    MapElemAttr, 32 {
        map_fd: u32,
        zero: u32,
        key: u64,
        value: u64,
        flags: u64,
    }
);

attr!(
    /// BPF_MAP_FREEZE.
    MapFreezeAttr, 4 { map_fd: u32, }
);

attr!(
    /// BPF_MAP_LOOKUP_BATCH, LOOKUP_AND_DELETE, UPDATE and DELETE; `count` is
    /// written back.
    MapBatchAttr, 56 {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }
);

attr!(
    /// BPF_PROG_LOAD; `log_true_bytes` is written back since 6.4.
    ProgLoadAttr, 144 {
        prog_type: u32,
        insn_count: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_bytes: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: u32,
        prog_name: [u8; 16],
        prog_ifindex: u32,
        expected_attach_type: u32,
        prog_btf_fd: u32,
        func_info_rec_bytes: u32,
        func_info: u64,
        func_info_count: u32,
        line_info_rec_bytes: u32,
        line_info: u64,
        line_info_count: u32,
        attach_btf_id: u32,
        attach_fd: u32,
        core_relo_count: u32,
        fd_array: u64,
        core_relos: u64,
        core_relo_rec_bytes: u32,
        log_true_bytes: u32,
    }
);

attr!(
    /// BPF_BTF_LOAD.
    BtfLoadAttr, 32 {
        btf: u64,
        log_buf: u64,
        btf_bytes: u32,
        log_bytes: u32,
        log_level: u32,
        log_true_bytes: u32,
    }
);

attr!(
    /// BPF_*_GET_NEXT_ID with `next_id` written back; BPF_BTF_GET_FD_BY_ID.
    IdAttr, 12 {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }
);

attr!(
    /// `struct bpf_btf_info`.
    BtfInfoOut, 32 {
        btf: u64,
        btf_bytes: u32,
        id: u32,
        name: u64,
        name_bytes: u32,
        is_kernel: u32,
    }
);

attr!(
    /// BPF_LINK_CREATE; what `args` holds depends on the attach type.
    LinkCreateAttr, 64 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        args: [u64; 6],
    }
);

attr!(
    /// BPF_RAW_TRACEPOINT_OPEN.
    RawTracepointAttr, 24 {
        name: u64,
        prog_fd: u32,
        zero: u32,
        cookie: u64,
    }
);

attr!(
    /// BPF_ITER_CREATE.
    IterCreateAttr, 8 {
        link_fd: u32,
        flags: u32,
    }
);

attr!(
    /// BPF_OBJ_GET_INFO_BY_FD.
    InfoAttr, 16 {
        bpf_fd: u32,
        info_bytes: u32,
        info: u64,
    }
);

attr!(
    /// BPF_ENABLE_STATS.
    EnableStatsAttr, 4 { stats_type: u32, }
);

attr!(
    /// `struct bpf_prog_info`.
    ProgInfoOut, 232 {
        prog_type: u32,
        id: u32,
        tag: [u8; 8],
        jited_bytes: u32,
        xlated_bytes: u32,
        jited_insns: u64,
        xlated_insns: u64,
        load_time_ns: u64,
        created_by_uid: u32,
        map_id_count: u32,
        map_ids: u64,
        name: [u8; 16],
        ifindex: u32,
        gpl_compatible: u32,
        netns_dev: u64,
        netns_ino: u64,
        jited_ksym_count: u32,
        jited_func_len_count: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_bytes: u32,
        func_info: u64,
        func_info_count: u32,
        line_info_count: u32,
        line_info: u64,
        jited_line_info: u64,
        jited_line_info_count: u32,
        line_info_rec_bytes: u32,
        jited_line_info_rec_bytes: u32,
        prog_tag_count: u32,
        prog_tags: u64,
        run_time_ns: u64,
        run_count: u64,
        recursion_misses: u64,
        verified_insns: u32,
        attach_btf_obj_id: u32,
        attach_btf_id: u32,
        zero: u32,
    }
);

attr!(
    /// `struct bpf_map_info`.
    MapInfoOut, 88 {
        map_type: u32,
        id: u32,
        key_bytes: u32,
        value_bytes: u32,
        max_entries: u32,
        map_flags: u32,
        name: [u8; 16],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        zero: u32,
        map_extra: u64,
    }
);

attr!(
    /// `struct bpf_link_info` with the perf-event member of its union.
    LinkInfoOut, 64 {
        link_type: u32,
        id: u32,
        prog_id: u32,
        zero: u32,
        perf_type: u32,
        perf_zero: u32,
        func_name: u64,
        name_bytes: u32,
        offset_bytes: u32,
        addr: u64,
        missed: u64,
        cookie: u64,
    }
);

attr!(
    /// `struct perf_event_attr`, version 3: nothing later is needed.
    PerfEventAttr, 96 {
        event_type: u32,
        attr_bytes: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup_events: u32,
        bp_type: u32,
        config1: u64,
        config2: u64,
        branch_sample_type: u64,
        sample_regs_user: u64,
        sample_stack_user: u32,
        clockid: u32,
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    // The offsets are those of the kernel's header on a 64-bit machine.

    #[test]
    fn prog_load_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(ProgLoadAttr, log_buf), 32);
        assert_eq!(offset_of!(ProgLoadAttr, prog_name), 48);
        assert_eq!(offset_of!(ProgLoadAttr, expected_attach_type), 68);
        assert_eq!(offset_of!(ProgLoadAttr, func_info), 80);
        assert_eq!(offset_of!(ProgLoadAttr, line_info), 96);
        assert_eq!(offset_of!(ProgLoadAttr, attach_btf_id), 108);
        assert_eq!(offset_of!(ProgLoadAttr, log_true_bytes), 140);
    }

    #[test]
    fn map_create_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(MapCreateAttr, numa_node), 24);
        assert_eq!(offset_of!(MapCreateAttr, map_name), 28);
        assert_eq!(offset_of!(MapCreateAttr, btf_fd), 48);
        assert_eq!(offset_of!(MapCreateAttr, map_extra), 64);
    }

    #[test]
    fn info_fields_lie_where_the_kernel_writes_them() {
        assert_eq!(offset_of!(ProgInfoOut, load_time_ns), 40);
        assert_eq!(offset_of!(ProgInfoOut, name), 64);
        assert_eq!(offset_of!(ProgInfoOut, run_time_ns), 192);
        assert_eq!(offset_of!(ProgInfoOut, recursion_misses), 208);
        assert_eq!(offset_of!(ProgInfoOut, verified_insns), 216);
        assert_eq!(offset_of!(MapInfoOut, name), 24);
        assert_eq!(offset_of!(MapInfoOut, map_extra), 80);
        assert_eq!(offset_of!(LinkInfoOut, perf_type), 16);
        assert_eq!(offset_of!(LinkInfoOut, missed), 48);
    }

    #[test]
    fn perf_event_fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(PerfEventAttr, flags), 40);
        assert_eq!(offset_of!(PerfEventAttr, config1), 56);
        assert_eq!(offset_of!(PerfEventAttr, config2), 64);
        assert_eq!(offset_of!(PerfEventAttr, clockid), 92);
    }
}
