//! Which tagged arguments become contexts, and how.

use super::*;

const STRINGS: &[u8] = b"\0arg:ctx\0f\0pt_regs\0bpf_user_pt_regs_t\0other\0xdp_md\0";
const F: u32 = 9;
const PT_REGS: u32 = 11;
const ALIAS: u32 = 19;
const OTHER: u32 = 38;
const XDP_MD: u32 = 44;
const XDP: u32 = 6;

/// A type: its name, kind and what follows.
type Words<'a> = (u32, Kind, u32, &'a [u32]);

/// `f(int, argument *)` whose second argument is tagged, as types 1 to 5; the
/// argument is type 6, and more can follow.
fn object(linkage: u32, argument: &[Words<'_>]) -> ObjectBtf {
    let is_void = argument.is_empty();
    let behind = if is_void { 0 } else { 6 };
    let prototype = [0, 1, 0, 2];
    let mut words: Vec<u32> = [0, info(Kind::Int, 0), 4, 32].to_vec();
    words.extend([0, info(Kind::Ptr, 0), behind]);
    words.extend([0, info(Kind::FuncProto, 2), 1]);
    words.extend(prototype);
    words.extend([F, info(Kind::Func, linkage), 3]);
    words.extend([1, info(Kind::DeclTag, 0), 4, 1]);
    for (name, kind, size_or_type, rest) in argument {
        words.extend([*name, info(*kind, 0), *size_or_type]);
        words.extend(*rest);
    }
    let types_bytes = (words.len() * 4) as u32;
    let strings_bytes = STRINGS.len() as u32;
    let header = [0x0001_eb9f, 24, 0, types_bytes, types_bytes, strings_bytes];
    let words = header.into_iter().chain(words).flat_map(u32::to_le_bytes);
    let raw: Vec<u8> = words.chain(STRINGS.iter().copied()).collect();
    ObjectBtf::parse(&raw).unwrap()
}

/// Records of 12 bytes, of which a newer compiler has filled the last four.
fn records(functions: &[u32]) -> Records<FuncInfo> {
    let mut records = Records::with_rec_size(12).unwrap();
    for (at, function) in functions.iter().enumerate() {
        let record = [0, *function, 77].map(u32::to_le_bytes).concat();
        records.push_rebased(&record, at as u32 * 5).unwrap();
    }
    records
}

/// The struct that the tagged argument is a pointer to then, if it is another.
fn retyped(btf: &ObjectBtf, prog_type: u32) -> Option<String> {
    let Retyped { btf, func_info } = retype(btf, prog_type, &records(&[7, 4])).unwrap()?;
    let btf = ObjectBtf::parse(&btf).unwrap();
    let last = func_info.iter().last().unwrap();
    assert_eq!(last.insn_offset, 5);
    assert_eq!(func_info.as_bytes()[20..], 77u32.to_le_bytes());
    let function = btf.type_by_id(last.type_id).unwrap();
    assert_eq!((function.kind(), function.vlen()), (Kind::Func, GLOBAL));
    assert_eq!(btf.type_name(function.id).unwrap(), "f");
    let parameters = btf.type_by_id(function.size_or_type).unwrap().parameters();
    assert_eq!((parameters.len(), parameters[0].type_id), (2, 1));
    let pointer = btf.type_by_id(parameters[1].type_id).unwrap();
    assert_eq!(pointer.kind(), Kind::Ptr);
    // The copy is tagged as well.
    let tag = btf.type_by_id(btf.last_id()).unwrap();
    let tagged = (tag.size_or_type, tag.tagged_component());
    assert_eq!(tagged, (function.id, Some(1)));
    Some(btf.type_name(pointer.size_or_type).unwrap())
}

#[test]
fn a_pointer_to_anything_becomes_the_context_of_the_program() {
    let void = object(GLOBAL, &[]);
    for (prog_type, name) in [
        (KPROBE, "bpf_user_pt_regs_t"),
        (3, "__sk_buff"),
        (XDP, "xdp_md"),
        (RAW_TRACEPOINT, "bpf_raw_tracepoint_args"),
        (32, "bpf_nf_ctx"),
    ] {
        assert_eq!(retyped(&void, prog_type).as_deref(), Some(name));
    }
    // BPF_PROG_TYPE_TRACING has no context with a name.
    assert_eq!(retyped(&void, 26), None);
}

#[test]
fn what_an_old_kernel_takes_for_a_context_is_left() {
    let xdp = object(GLOBAL, &[(XDP_MD, Kind::Struct, 0, &[])]);
    assert_eq!(retyped(&xdp, XDP), None);
    let registers = (PT_REGS, Kind::Struct, 0, &[][..]);
    let alias = object(GLOBAL, &[(ALIAS, Kind::Typedef, 7, &[]), registers]);
    assert_eq!(retyped(&alias, KPROBE), None);
    // Not by another name, which takes a rewrite.
    let other = object(GLOBAL, &[(OTHER, Kind::Typedef, 7, &[]), registers]);
    assert!(retyped(&other, KPROBE).is_some());
}

#[test]
fn what_is_no_context_is_left() {
    let other = object(GLOBAL, &[(OTHER, Kind::Struct, 0, &[])]);
    assert_eq!(retyped(&other, XDP), None);
    let integer = |bytes: u32| object(GLOBAL, &[(0, Kind::Int, bytes, &[bytes * 8])]);
    assert!(retyped(&integer(8), RAW_TRACEPOINT).is_some());
    assert_eq!(retyped(&integer(4), RAW_TRACEPOINT), None);
    assert_eq!(retyped(&integer(8), XDP), None);
}

#[test]
fn static_functions_and_those_of_other_programs_are_left() {
    assert_eq!(retyped(&object(0, &[]), XDP), None);
    let unused = retype(&object(GLOBAL, &[]), XDP, &records(&[7]));
    assert!(unused.unwrap().is_none());
}
