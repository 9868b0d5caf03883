//! Errors word for word, from logs that real kernels wrote.
//!
//! tests/refused/ has objects (their C is in harness/corpus/refused), for each
//! what some kernels said of it, and beside it what is made of that.

use super::*;
use crate::btf::{Source, Target};
use crate::relo_core::Report;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused")
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn spec_of(name: &str) -> ObjectSpec {
    let bytes = read(&format!("{name}.bpf.o"));
    ObjectSpec::parse(&format!("{name}.bpf.o"), &bytes).unwrap()
}

/// The error for the first program of an object.
fn error(object: &str, errno: Errno, log: &[u8]) -> Error {
    let mut spec = spec_of(object);
    // Types that have nothing of what objects here look for.
    let kernel = spec_of("deep_stack").btf.unwrap();
    let mut target = Target::new(Source::from_bytes(kernel.raw())).unwrap();
    let report: Report = relo_core::relocate(&mut spec, &mut target).unwrap();
    let program = spec.programs[0].clone();
    let refusal = Refusal {
        errno,
        log: verifier::text(log),
        lacks: None,
    };
    let error = refusal.explain(&spec, &program, |insn| report.at(0, insn));
    error
        .context(format!("program {} ({})", program.name, program.section))
        .context(format!("object {object}.bpf.o"))
}

/// An error as a file has it: its lines, then the excerpt.
fn text(error: &Error) -> String {
    let mut text: String = error.chain().map(|line| format!("{line}\n")).collect();
    for line in error.verifier_excerpt().unwrap_or_default().lines() {
        text += &format!("  | {line}\n");
    }
    text
}

/// Compares what is made of a recorded log with what stands beside it.
fn golden(object: &str, kernel: &str, errno: Errno) {
    let log = read(&format!("{object}@{kernel}.log"));
    let error = error(object, errno, &log);
    let found = text(&error);
    let expected = String::from_utf8(read(&format!("{object}@{kernel}.txt"))).unwrap();
    assert!(
        found == expected,
        "{object}@{kernel}.txt should be:\n{found}\nbut is:\n{expected}"
    );
    let excerpt = error.verifier_excerpt().unwrap();
    assert!(excerpt.lines().count() <= 20, "{excerpt}");
    // The log is whole.
    assert_eq!(error.verifier_log(), Some(&*verifier::text(&log)));
    assert!(format!("{error:?}").ends_with(&verifier::text(&log)));
}

const EACCES: Errno = Errno::ACCES;
const EINVAL: Errno = Errno::INVAL;

#[test]
fn a_number_that_is_read_through_is_told_with_its_registers() {
    golden("scalar_read", "5.10", EACCES);
    golden("scalar_read", "6.12", EACCES);
}

#[test]
fn a_value_that_may_be_null_is_told() {
    golden("null_value", "6.1", EACCES);
    golden("null_value", "7.3", EACCES);
}

#[test]
fn an_access_out_of_bounds_is_told_with_the_bounds() {
    golden("out_of_bounds", "5.10", EACCES);
    golden("out_of_bounds", "7.3", EACCES);
    golden("packet", "6.1", EACCES);
}

#[test]
fn a_leaked_reference_is_told_by_where_it_came_from() {
    golden("leak", "5.10", EINVAL);
    golden("leak", "7.3", EINVAL);
}

#[test]
fn a_wrong_return_value_is_told_with_the_right_ones() {
    golden("return_value", "5.10", EINVAL);
    golden("return_value", "7.3", EINVAL);
}

#[test]
fn an_instruction_of_a_subprogram_is_told_with_its_function() {
    golden("in_subprogram", "5.10", EACCES);
    golden("in_subprogram", "7.3", EACCES);
}

#[test]
fn a_complaint_about_no_instruction_is_told_without_one() {
    golden("deep_stack", "5.10", EACCES);
}

#[test]
fn an_endless_loop_is_told_by_its_first_instruction() {
    golden("endless", "6.12", EINVAL);
    golden("endless", "7.3", EINVAL);
}

#[test]
fn a_log_that_was_cut_at_its_end_still_gives_the_complaint() {
    golden("too_long", "5.10", Errno::TOO_BIG);
}

#[test]
fn a_helper_that_may_not_be_called_is_told() {
    golden("wrong_helper", "5.10", EINVAL);
    golden("wrong_helper", "7.3", EINVAL);
    golden("gpl_only", "7.3", EINVAL);
}

#[test]
fn a_helper_that_the_kernel_lacks_is_told_with_its_version() {
    golden("new_helper", "5.10", EINVAL);
    let error = error("new_helper", EINVAL, &read("new_helper@5.10.log"));
    let unsupported = ErrorKind::Unsupported {
        feature: "a helper function",
        since: Some("6.1"),
    };
    assert_eq!(error.kind(), unsupported);
}

#[test]
fn a_missing_field_is_told_by_name() {
    golden("missing_field", "5.10", EINVAL);
    golden("missing_field", "7.3", EINVAL);
    golden("missing_enum", "6.12", EINVAL);
}

#[test]
fn a_missing_function_is_told_by_name() {
    golden("kfunc_unguarded", "7.3", EINVAL);
}

#[test]
fn a_log_that_is_not_utf8_is_told_all_the_same() {
    assert!(std::str::from_utf8(&read("latin_1@5.10.log")).is_err());
    golden("latin_1", "5.10", EACCES);
}

#[test]
fn every_recorded_log_has_its_text() {
    let names = || std::fs::read_dir(folder()).unwrap().flatten();
    let mut logs = 0;
    for entry in names() {
        let name = entry.file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".log") {
            assert!(folder().join(format!("{stem}.txt")).exists(), "{stem}.txt");
            logs += 1;
        }
    }
    assert!(logs >= 20, "{logs}");
}

#[test]
fn a_log_comes_with_the_error_whatever_the_errno() {
    // EFAULT is what a verifier says that has found a mistake of its own.
    let log = read("scalar_read@6.12.log");
    let error = error("scalar_read", Errno::FAULT, &log);
    assert_eq!(
        format!("{error:#}"),
        "object scalar_read.bpf.o: program read_scalar (raw_tp/sys_enter): refused by the \
         verifier: instruction 1, scalar_read.bpf.c:8: return *(volatile int *)(ctx->args[1] + \
         8);: R1 invalid mem access 'scalar' (EFAULT)"
    );
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.verifier_log().is_some());
}

#[test]
fn a_log_whose_beginning_is_gone_gives_instruction_line_and_reason() {
    let log = read("out_of_bounds@7.3.log");
    let from = log.windows(4).position(|bytes| bytes == b"13: ").unwrap() - 40;
    let end = log
        .windows(6)
        .position(|bytes| bytes == b"At:\n  ")
        .unwrap();
    let error = error("out_of_bounds", Errno::NOSPC, &log[from..end]);
    let text = format!("{error:#}");
    assert!(
        text.contains(
            "instruction 14, out_of_bounds.bpf.c:24: return value->entries[ctx->rx_queue_index & \
             0xf];: invalid access to map value, value_size=32 off=60 size=4; R0 max value is \
             outside of the allowed memory range (ENOSPC): The verifier cannot prove"
        ),
        "{text}"
    );
    let excerpt = error.verifier_excerpt().unwrap();
    assert!(excerpt.contains("R0=map_value(map=table"), "{excerpt}");
}

#[test]
fn a_refusal_without_a_word_is_told_by_errno() {
    let said = |errno| format!("{:#}", error("leak", errno, b""));
    let program = "object leak.bpf.o: program forgets_a_record (raw_tp/sys_enter): BPF_PROG_LOAD";
    assert_eq!(
        said(Errno::INVAL),
        format!("{program}, without a word from the verifier: EINVAL")
    );
    assert_eq!(
        said(Errno::PERM),
        format!("{program}: this takes root, or CAP_BPF with CAP_PERFMON or CAP_NET_ADMIN: EPERM")
    );
    let error = error("leak", Errno::PERM, b"");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn what_the_kernel_lacks_is_told_instead_of_silence() {
    let refusal = Refusal {
        errno: EINVAL,
        log: String::new(),
        lacks: Some(Error::unsupported("BPF_PROG_TYPE_NETFILTER", Some("6.4"))),
    };
    let spec = spec_of("leak");
    let error = refusal.explain(&spec, &spec.programs[0], |_| None);
    assert_eq!(error.to_string(), "BPF_PROG_TYPE_NETFILTER needs Linux 6.4");
}
