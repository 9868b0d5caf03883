//! An object of all shapes, taken apart.

mod common;

use common::{program, spec};
use trapline_loader::ErrorKind;
use trapline_loader::btf::{Kind, Types as _};
use trapline_loader::insn::{Insn, pseudo};
use trapline_loader::spec::{AttachSpec, MapKind, ObjectSpec, ProgramSpec};

#[test]
fn maps_have_the_attributes_of_their_definitions() {
    let spec = spec("core");
    let hash = &spec.maps[spec.map_index("a_hash").unwrap()];
    let sizes = (hash.key_size, hash.value_size, hash.max_entries);
    assert_eq!((hash.map_type, sizes, hash.flags), (1, (4, 24, 1024), 1));
    let btf = spec.btf.as_ref().unwrap();
    assert_eq!(btf.type_name(hash.value_type_id).unwrap(), "value");
    let array = &spec.maps[spec.map_index("an_array").unwrap()];
    assert_eq!((array.numa_node, array.pinning), (Some(0), 1));
    let ring = &spec.maps[spec.map_index("events").unwrap()];
    assert_eq!((ring.map_type, ring.max_entries), (27, 0));
}

#[test]
fn data_sections_are_maps_with_their_bytes() {
    let spec = spec("core");
    let content = |name: &str| {
        let map = &spec.maps[spec.map_index(name).unwrap()];
        (map.kind, map.content.clone().unwrap())
    };
    assert_eq!(
        content(".rodata"),
        (MapKind::Rodata, b"\x07\0\0\0abc\0\0\0\0\0".to_vec())
    );
    assert_eq!(content(".data"), (MapKind::Data, vec![42, 0, 0, 0]));
    assert_eq!(content(".data.custom"), (MapKind::Data, vec![5, 0, 0, 0]));
    assert_eq!(content(".bss"), (MapKind::Bss, Vec::new()));
}

#[test]
fn globals_are_set_by_name_and_checked_by_size() {
    let mut spec = spec("core");
    spec.set_global("wanted_pid", &77u32.to_le_bytes()).unwrap();
    assert_eq!(spec.global("wanted_pid").unwrap(), 77u32.to_le_bytes());
    assert_eq!(spec.global("prefix").unwrap(), b"abc\0\0\0\0\0");
    let error = spec.set_global("wanted_pid", &[0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = format!("{:#}", spec.set_global("wanted", &[0; 4]).unwrap_err());
    assert!(
        error.contains("no variable wanted") && error.contains("wanted_pid"),
        "{error}"
    );
}

#[test]
fn section_names_say_what_a_program_is() {
    let spec = spec("core");
    let fields = &program(&spec, "fields").kind;
    let name = "sched_process_exec".to_owned();
    assert_eq!(fields.attach, AttachSpec::RawTracepoint { name });
    assert_eq!((fields.prog_type, fields.autoload), (17, true));
    assert!(!program(&spec, "callbacks").kind.autoload);
    let direct = &program(&spec, "direct").kind;
    assert_eq!((direct.prog_type, direct.expected_attach_type), (26, 23));
}

#[test]
fn an_unknown_section_blocks_nothing_else() {
    let spec = spec("core");
    assert_eq!(spec.programs.len(), 5);
    let skipped = (
        "no_such_section",
        "no program type is known for this section name",
    );
    assert_eq!(spec.skipped, [(skipped.0.to_owned(), skipped.1.to_owned())]);
}

/// Where each reference of a program leads, by name.
fn references(program: &ProgramSpec) -> Vec<(&str, &str)> {
    let at = |slot: usize| {
        let mut parts = program.subprograms.iter().rev();
        let (name, start) = parts.find(|(_, start)| *start <= slot).unwrap();
        (name.as_str(), *start)
    };
    let references = program.insns.iter().enumerate();
    let references = references.filter(|(_, i)| i.is_subprog_call() || i.is_func_address());
    references
        .map(|(slot, insn)| {
            let target = usize::try_from(slot as i64 + i64::from(insn.imm) + 1).unwrap();
            let (name, start) = at(target);
            assert_eq!(target, start, "{name} is called in its middle");
            (at(slot).0, name)
        })
        .collect()
}

#[test]
fn calls_lead_to_their_subprograms_wherever_those_are() {
    let spec = spec("core");
    let fields = references(program(&spec, "fields"));
    assert!(fields.contains(&("fields", "global_sub")), "{fields:?}");
    let types = references(program(&spec, "types"));
    assert!(types.contains(&("types", "hidden_sub")), "{types:?}");
    assert!(types.contains(&("hidden_sub", "leaf")), "{types:?}");
    let callbacks = references(program(&spec, "callbacks"));
    assert!(
        callbacks.contains(&("callbacks", "callback")),
        "{callbacks:?}"
    );
}

#[test]
fn a_static_function_next_to_its_caller_is_a_subprogram() {
    let spec = spec("shapes");
    let near = program(&spec, "near");
    assert_eq!(
        references(near),
        [("near", "beside"), ("beside", "far"), ("beside", "far")]
    );
    let names: Vec<_> = near
        .subprograms
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["near", "beside", "far"]);
}

#[test]
fn externs_leave_nothing_extern_behind_for_the_kernel() {
    let spec = spec("shapes");
    let externs: Vec<_> = spec.externs.iter().map(|e| &*e.name).collect();
    assert_eq!(externs, ["some_kernel_function", "some_kernel_symbol"]);
    assert_eq!(program(&spec, "external").extern_refs.len(), 1);
    assert_eq!(program(&spec, "external_call").extern_refs.len(), 1);
    // The kernel takes no extern variables and no section without a size.
    let btf = spec.btf.as_ref().unwrap();
    assert_eq!(btf.find(Kind::DataSec, ".ksyms"), None);
    for id in btf.ids() {
        let ty = btf.type_by_id(id).unwrap();
        assert_ne!(ty.var_linkage(), Some(2));
        assert!(ty.kind() != Kind::Func || ty.vlen() != 2);
    }
}

#[test]
fn map_references_are_marked_for_the_loader() {
    let spec = spec("core");
    for program in &spec.programs {
        for map_ref in &program.map_refs {
            let [low, high] = [program.insns[map_ref.insn], program.insns[map_ref.insn + 1]];
            let map = &spec.maps[map_ref.map];
            match map_ref.value_offset {
                Some(offset) => {
                    assert_eq!((low.src(), high.imm as u32), (pseudo::MAP_VALUE, offset));
                    assert!(offset < map.value_size);
                }
                None => assert_eq!((low.src(), high.imm), (pseudo::MAP_FD, 0)),
            }
            assert_eq!((low.imm, high.code), (0, 0));
        }
    }
    let used = |name: &str| -> Vec<_> {
        let refs = program(&spec, name).map_refs.iter();
        refs.map(|r| spec.maps[r.map].name.as_str()).collect()
    };
    assert_eq!(used("callbacks"), ["events"]);
    assert_eq!(used("types"), [".data.custom", "a_hash", "an_array"]);
}

#[test]
fn records_are_complete_and_move_with_their_code() {
    let spec = spec("core");
    let btf = spec.btf.as_ref().unwrap();
    for program in &spec.programs {
        let functions = program.func_info.iter().map(|info| {
            let name = btf.type_name(info.type_id).unwrap();
            (name, info.insn_offset as usize)
        });
        assert_eq!(functions.collect::<Vec<_>>(), program.subprograms);
        let lines: Vec<_> = program
            .line_info
            .iter()
            .map(|line| line.insn_offset)
            .collect();
        assert!(lines.is_sorted() && lines.len() > 1);
        for (_, start) in &program.subprograms {
            assert!(lines.contains(&(*start as u32)));
        }
    }
}

#[test]
fn a_line_can_be_told_for_every_instruction() {
    let spec = spec("core");
    let types = program(&spec, "types");
    let (_, leaf) = types
        .subprograms
        .iter()
        .find(|(name, _)| name == "leaf")
        .unwrap();
    let call = types
        .insns
        .iter()
        .skip(*leaf)
        .position(|insn| *insn == Insn::call(7));
    let (file, line, text) = spec.line_at(types, leaf + call.unwrap()).unwrap();
    assert!(file.ends_with("core.bpf.c") && line > 100, "{file}:{line}");
    assert_eq!(text, "return x * 3 + (int)bpf_get_prandom_u32();");
}

#[test]
fn sections_and_hidden_functions_are_fixed_up_for_the_kernel() {
    let spec = spec("core");
    let btf = spec.btf.as_ref().unwrap();
    let rodata = btf
        .type_by_id(btf.find(Kind::DataSec, ".rodata").unwrap())
        .unwrap();
    assert_eq!(rodata.size_or_type, 12);
    let offsets: Vec<_> = rodata.sec_vars().iter().map(|var| var.offset).collect();
    assert_eq!(offsets, [0, 4]);
    let linkage = |name| {
        let id = btf.find(Kind::Func, name).unwrap();
        btf.type_by_id(id).unwrap().vlen()
    };
    assert_eq!(
        (
            linkage("hidden_sub"),
            linkage("global_sub"),
            linkage("leaf")
        ),
        (0, 1, 0)
    );
}

#[test]
fn an_object_for_another_machine_is_refused_by_name() {
    let mut bytes = common::object("core");
    bytes[18] = 62;
    let error = ObjectSpec::parse("core", &bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
    assert!(format!("{error:#}").contains("machine 62"));
}

#[test]
fn every_truncation_is_an_error_or_a_smaller_object() {
    let bytes = common::object("core");
    for length in (0..bytes.len()).step_by(97) {
        let _ = ObjectSpec::parse("core", &bytes[..length]);
    }
    assert!(ObjectSpec::parse("core", &bytes[..63]).is_err());
}
