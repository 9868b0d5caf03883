//! `cargo harness verify`, on one kernel: what loads, what does not and why.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use trapline_harness::progress::Progress;
use trapline_harness::verify::{self, Counts, Expected, Failures, Judged, Object, Options, Table};
use trapline_harness::vm::Choice;

/// The oldest: where the verifier says least, most has to be made of it.
const SERIES: &str = "5.10";
const NEWEST: &str = "7.3";

fn objects() -> Vec<Object> {
    let ours = |name: &str| Object {
        name: format!("{name}.bpf.o"),
        bytes: Arc::from(trapline_corpus::object(name).expect("an object of the corpus")),
    };
    vec![
        ours("attach_fentry"),
        ours("scalar_read"),
        ours("missing_field"),
        Object {
            name: "notes.txt".to_owned(),
            bytes: Arc::from("This is not an object. ".repeat(10).into_bytes()),
        },
        ours("missing_function"),
    ]
}

/// A run replaces the logs of the one before.
static LOGS: Mutex<()> = Mutex::new(());

fn judge(objects: &[Object], kernels: &[&str]) -> Vec<Judged> {
    let options = Options {
        kernels: kernels.iter().map(|name| name.parse().unwrap()).collect(),
        attach: true,
        step_timeout: Duration::from_secs(120),
        accel: Choice::Auto,
        jobs: 2,
        progress: Progress::new(),
    };
    verify::run(objects, &options).unwrap()
}

/// Without the number of instructions, which another clang may change.
fn without_counts(table: &str) -> Vec<String> {
    let plain = |line: &str| {
        let line = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    table.lines().map(plain).collect()
}

#[test]
fn what_loads_and_what_does_not_is_told_with_the_reason() {
    let _mine = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    let objects = objects();
    let judged = judge(&objects, &[SERIES]);

    let table = Table {
        objects: &objects,
        judged: &judged,
        colour: false,
    };
    assert_eq!(
        without_counts(&table.to_string()),
        [
            "verified instructions 5.",
            "attach_fentry.bpf.o: on_fentry ✓",
            "scalar_read.bpf.o: read_scalar ✗",
            "missing_field.bpf.o",
            "reads_missing ✗",
            "asks_first ✓",
            "notes.txt ✗",
            "missing_function.bpf.o",
            "on_nothing -",
            "on_nothing_either !",
            "",
            "✓ loads; the number: instructions that the verifier processed",
            "! loads, but cannot be attached",
            "✗ rejected",
            "- unsupported by the kernel",
            "FAILED: 5 objects on 1 kernel: 3 loaded, 1 of them not attached, 3 rejected, \
             1 unsupported",
        ]
    );

    let failures = Failures {
        objects: &objects,
        judged: &judged,
    };
    let text = failures.to_string();
    for part in [
        "✗ rejected: refused by the verifier\n    instruction 1, scalar_read.bpf.c:8: \
         return *(volatile int *)(ctx->args[1] + 8);\n    \
         R1 invalid mem access 'inv' (EACCES)\n  \
         scalar_read.bpf.o: read_scalar (raw_tp/sys_enter) on 5.10\n    \
         | 0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n",
        "    | 1: R1_w=inv(id=0) R10=fp0\n",
        "this kernel has nothing for: struct task_struct.nope_field, byte offset\n",
        "✗ rejected: no ELF file: it does not start with 7f 45 4c 46\n  notes.txt on 5.10\n",
        "- unsupported: the kernel has no function no_such_function ",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }

    let lines = verify::lines(&objects, &judged);
    let line = |object: &str, program: Option<&str>| {
        let mut lines = lines.iter();
        let found = lines.find(|line| line.object == object && line.program.as_deref() == program);
        found.unwrap_or_else(|| panic!("{object} {program:?} in {lines:?}"))
    };
    let good = line("attach_fentry.bpf.o", Some("on_fentry"));
    assert_eq!(
        (&*good.kernel, &*good.verdict, good.attached),
        (SERIES, "loaded", Some(true))
    );
    assert!(good.verified_insns.is_some_and(|insns| insns > 0) && good.error.is_none());
    let bad = line("scalar_read.bpf.o", Some("read_scalar"));
    assert_eq!(
        (&*bad.verdict, bad.attached, bad.verified_insns),
        ("rejected", None, None)
    );
    assert_eq!(line("notes.txt", None).verdict, "rejected");
    let missing = line("missing_function.bpf.o", Some("on_nothing"));
    assert_eq!(missing.verdict, "unsupported");
    let unattached = line("missing_function.bpf.o", Some("on_nothing_either"));
    assert_eq!(
        (&*unattached.verdict, unattached.attached),
        ("loaded", Some(false))
    );

    let rows = &judged[0].rows;
    assert!(!Counts::of(rows).all_good());
    let bad = rows.iter().find(|row| row.object == 1).unwrap();
    let log = std::fs::read_to_string(bad.log.as_ref().unwrap()).unwrap();
    assert!(log.contains("processed "), "the whole log is kept: {log}");
}

/// Where nothing is listed, the needs of an object say what kernels make of it.
#[test]
fn our_objects_do_on_the_oldest_and_the_newest_kernel_what_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let expected = Expected::load(&root.join("harness/corpus/expected.toml")).unwrap();
    let _mine = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    let objects = verify::our_objects().unwrap();
    let judged = judge(&objects, &[SERIES, NEWEST]);
    let lines = verify::lines(&objects, &judged);
    let differences = expected.differences(&objects, &lines);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        lines.len() > 700,
        "only {} programs were judged",
        lines.len()
    );
}

#[test]
fn wrong_use_is_told_before_any_kernel_boots() {
    let harness = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_harness"))
            .arg("verify")
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = harness(&["/no/such.bpf.o"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot read /no/such.bpf.o"), "{said}");
    let (code, said) = harness(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("<OBJ>"), "{said}");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = manifest.to_str().unwrap();
    let (code, said) = harness(&["--ours", "--compare", manifest]);
    assert_eq!(code, Some(2));
    assert!(said.contains("is not what --json prints: line 1"), "{said}");
    let (code, said) = harness(&["--ours", "--expect", manifest]);
    assert_eq!(code, Some(2));
    assert!(said.contains("Cargo.toml is not valid"), "{said}");
    let (code, _) = harness(&["--ours", "--kernels", "2.4"]);
    assert_eq!(code, Some(2));
}
