//! `trapline check` without objects, on the machine that runs the tests: whatever that
//! has, what is said of it has the shape that is published.

use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../schema/check.schema.json");
const NOBODY: u32 = 65534;

/// What is printed, and the exit code. Root can look as nobody, too.
fn said(as_nobody: bool, words: &[&str]) -> (String, i32) {
    let program = env!("CARGO_BIN_EXE_trapline");
    // The folder of the build need not be open to everybody.
    let open = std::env::temp_dir().join(format!("trapline-{}", std::process::id()));
    let mut command = Command::new(program);
    if as_nobody {
        std::fs::copy(program, &open).unwrap();
        command = Command::new(&open);
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.arg("check").args(words).output();
    // Others run at the same time, and the copy is not theirs.
    if as_nobody {
        let _ = std::fs::remove_file(&open);
    }
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn the_report_has_the_shape_that_is_published() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for as_nobody in [false, true] {
        if as_nobody && !is_root() {
            continue;
        }
        let (text, code) = said(as_nobody, &["--json"]);
        assert_eq!(text.lines().count(), 1, "{text}");
        let report: Value = serde_json::from_str(&text).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&report).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?} in {text}");
        assert_eq!(code, i32::from(report["good"] == false));
        if as_nobody {
            assert_eq!(report["caller"]["uid"], NOBODY);
            assert!(!report["unseen"].as_array().unwrap().is_empty(), "{text}");
        }
    }
}

#[test]
fn people_get_a_table_and_a_verdict() {
    let (text, code) = said(false, &[]);
    for part in [
        "would be used",
        "kernel types",
        "hooks of file events",
        "features",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_eq!(
        code == 1,
        text.ends_with("the sensors do NOT load\n"),
        "{text}"
    );
}

#[test]
fn types_of_other_kernels_are_for_objects() {
    let program = env!("CARGO_BIN_EXE_trapline");
    let output = Command::new(program).args(["check", "--btf", "x"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("OBJ"));
}
