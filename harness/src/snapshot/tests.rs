use std::fs;

use super::*;

const REASON: &str = r#"
[[difference]]
workload = "process::exec"
kernels = ["5.10"]
reason = "no kernel before 5.18 has it"
"#;

fn snapshots(reasons: &str, policy: Policy) -> (tempfile::TempDir, Snapshots) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("process")).unwrap();
    let reasons = Reasons::parse(reasons).unwrap();
    let snapshots = Snapshots::new(folder.path().to_owned(), reasons, policy);
    (folder, snapshots)
}

fn keep(folder: &tempfile::TempDir, name: &str, body: &str) {
    let text = format!("---\nsource: x.rs\n---\n{body}");
    fs::write(folder.path().join("process").join(name), text).unwrap();
}

fn matrix() -> (Vec<(String, String)>, Vec<String>) {
    let workloads = ["exec", "fork"].map(|name| ("process".to_owned(), name.to_owned()));
    (
        workloads.to_vec(),
        vec!["5.10".to_owned(), "6.12".to_owned()],
    )
}

#[test]
fn a_document_like_its_snapshot_passes_on_every_kernel() {
    let (folder, snapshots) = snapshots("", Policy::Compare);
    keep(&folder, "fork.snap", "a\nb\n");
    for series in ["5.10", "6.12"] {
        assert_eq!(
            snapshots.compare("process", "fork", series, "a\nb\n", true),
            Ok(())
        );
    }
}

#[test]
fn a_difference_shows_as_a_diff_and_ci_writes_nothing() {
    let (folder, snapshots) = snapshots("", Policy::Compare);
    keep(&folder, "fork.snap", "a\nb\n");
    let mismatch = snapshots
        .compare("process", "fork", "6.12", "a\nc\n", true)
        .unwrap_err();
    assert!(mismatch.diff.contains("-b\n+c\n"), "{}", mismatch.diff);
    assert!(
        snapshots
            .compare("process", "exec", "6.12", "new\n", true)
            .is_err()
    );
    assert_eq!(
        fs::read_dir(folder.path().join("process")).unwrap().count(),
        1
    );
}

#[test]
fn outside_ci_a_new_document_is_pending_once() {
    let (folder, snapshots) = snapshots("", Policy::Write);
    let first = snapshots
        .compare("process", "fork", "5.10", "one\n", true)
        .unwrap_err();
    let second = snapshots
        .compare("process", "fork", "6.12", "one\n", true)
        .unwrap_err();
    let third = snapshots
        .compare("process", "fork", "7.3", "other\n", true)
        .unwrap_err();
    assert!(
        second.advice.contains("pending already"),
        "{first:?} {second:?}"
    );
    assert!(third.advice.contains("different document"), "{third:?}");
    let pending = fs::read_to_string(folder.path().join("process/fork.snap.new"));
    // Under CI, insta itself leaves nothing behind.
    if let Ok(pending) = pending {
        assert_eq!(file::body(&pending).unwrap().trim_end(), "one");
    }
}

#[test]
fn a_document_that_is_wrong_by_itself_is_never_pending() {
    let (folder, snapshots) = snapshots("", Policy::Write);
    let mismatch = snapshots
        .compare("process", "fork", "5.10", "one\n", false)
        .unwrap_err();
    assert!(mismatch.advice.contains("not pending"), "{mismatch:?}");
    assert!(!folder.path().join("process/fork.snap.new").exists());
}

#[test]
fn a_kernel_with_a_reason_has_its_own_snapshot() {
    let (folder, snapshots) = snapshots(REASON, Policy::Compare);
    keep(&folder, "exec.snap", "common\n");
    keep(&folder, "exec@5.10.snap", "old\n");
    assert_eq!(
        snapshots.compare("process", "exec", "5.10", "old\n", true),
        Ok(())
    );
    assert_eq!(
        snapshots.compare("process", "exec", "6.12", "common\n", true),
        Ok(())
    );
    assert!(
        snapshots
            .compare("process", "exec", "5.10", "common\n", true)
            .is_err()
    );
    let (workloads, series) = matrix();
    assert_eq!(
        snapshots.housekeeping(&workloads, &series),
        Vec::<String>::new()
    );
}

#[test]
fn a_reason_without_difference_and_a_difference_without_reason_fail() {
    let (folder, snapshots) = snapshots(REASON, Policy::Compare);
    keep(&folder, "exec.snap", "common\n");
    keep(&folder, "exec@5.10.snap", "common\n");
    keep(&folder, "fork@6.12.snap", "x\n");
    let (workloads, series) = matrix();
    let wrong = snapshots.housekeeping(&workloads, &series).join("\n");
    assert!(wrong.contains("a reason without a difference"), "{wrong}");
    assert!(wrong.contains("fork@6.12.snap has no reason"), "{wrong}");
}

#[test]
fn files_without_a_row_are_named() {
    let (folder, snapshots) = snapshots("", Policy::Compare);
    for name in ["gone.snap", "fork.txt", "fork.snap.new", "fork@9.9.snap"] {
        keep(&folder, name, "x\n");
    }
    let (workloads, series) = matrix();
    assert_eq!(snapshots.housekeeping(&workloads, &series).len(), 4);
}

#[test]
fn a_reason_is_a_sentence_about_a_workload() {
    for text in [
        "[[difference]]\nworkload = \"process::x\"\nkernels = [\"5.10\"]\nreason = \"because\"\n",
        "[[difference]]\nworkload = \"x\"\nkernels = [\"5.10\"]\nreason = \"a long enough reason\"\n",
        "[[difference]]\nworkload = \"process::x\"\nkernels = []\nreason = \"a long enough reason\"\n",
        "[[different]]\n",
    ] {
        assert!(Reasons::parse(text).is_err(), "{text}");
    }
}

#[test]
fn ci_refuses_to_be_told_to_pass() {
    let decide = |pairs: &[(&str, &str)], yaml: &str| {
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Policy::decide(value, &[("insta.yaml".to_owned(), yaml.to_owned())])
    };
    assert_eq!(
        decide(&[("INSTA_UPDATE", "always")], "").unwrap(),
        Policy::Write
    );
    assert_eq!(decide(&[("CI", "true")], "").unwrap(), Policy::Compare);
    assert_eq!(decide(&[("CI", "false")], "").unwrap(), Policy::Write);
    assert!(decide(&[("CI", "1"), ("INSTA_FORCE_PASS", "1")], "").is_err());
    for update in ["always", "unseen", "force", "new"] {
        assert!(decide(&[("CI", "1"), ("INSTA_UPDATE", update)], "").is_err());
    }
    assert!(decide(&[("CI", "1")], "behavior:\n  force_pass: true\n").is_err());
}

#[test]
fn a_file_without_a_head_is_an_error() {
    let (folder, snapshots) = snapshots("", Policy::Compare);
    fs::write(folder.path().join("process/fork.snap"), "text").unwrap();
    let mismatch = snapshots
        .compare("process", "fork", "6.12", "text", true)
        .unwrap_err();
    assert!(mismatch.advice.contains("cannot read"), "{mismatch:?}");
}
