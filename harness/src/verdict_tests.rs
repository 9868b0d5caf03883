use std::collections::BTreeMap;

use trapline_sensors::Family;

use super::*;
use crate::recording::payload::Program;
use crate::recording::{CaseOutcome, Done, Hello, Recording, Status, Unloaded, Workload as Begun};
use crate::snapshot::{Policy, Reasons};

fn workload(name: &str) -> Workload {
    Workload {
        family: "process".into(),
        name: name.into(),
    }
}

fn order() -> Order {
    Order {
        workloads: vec![workload("fork")],
        cases: vec!["attach_kprobe".into()],
        ..Order::default()
    }
}

fn case(name: &str) -> Frame {
    Frame::Case(Case {
        how: Some("kprobe/link".into()),
        expected: Some(3),
        counted: Some(3),
        after_detach: Some(3),
        ..Case::bare(name, CaseOutcome::Exercised)
    })
}

fn expectation() -> Expectation {
    let text = "[[case]]\nname = \"attach_kprobe\"\nhow = \"kprobe/link\"";
    cases::parse(text).unwrap().remove(0)
}

fn frames(flavour: &str, names: &[&str]) -> Vec<Frame> {
    let programs = Family::ALL.iter().map(|family| Program {
        name: format!("some_{}", family.name()),
        family: family.name().into(),
        attach: format!("{flavour}/link"),
        verified_insns: Some(10),
        jited_bytes: None,
    });
    let mut frames = vec![Frame::Sensors(Sensors {
        flavour: flavour.into(),
        load_ns: 1,
        programs: programs.collect(),
    })];
    for name in names {
        frames.push(Frame::Workload(Begun {
            family: "process".into(),
            name: (*name).into(),
            flavour: flavour.into(),
            root_tgid: 100,
        }));
        frames.push(Frame::Done(Done {
            name: (*name).into(),
            status: Status::Exit(0),
            elapsed_ns: 1,
            sent: 0,
            received: 0,
            lost: BTreeMap::new(),
            poorer: BTreeMap::new(),
            missed: BTreeMap::new(),
        }));
    }
    frames.push(Frame::Unloaded(Unloaded {
        flavour: flavour.into(),
        sent: 0,
        received: 0,
        lost: BTreeMap::new(),
        poorer: BTreeMap::new(),
        missed: BTreeMap::new(),
    }));
    frames
}

fn run(frames: Vec<Frame>, release: &str) -> KernelRun {
    let hello = Hello {
        nonce: "n".into(),
        release: release.into(),
        machine: "x86_64".into(),
        version: "v".into(),
        cpus: 1,
        btf_sha256: String::new(),
    };
    KernelRun {
        series: Series::new(6, 12),
        order: order(),
        facts: None,
        recording: Ok(Recording { hello, frames }),
    }
}

fn both() -> Vec<Frame> {
    let mut all = frames("fentry", &["fork"]);
    all.extend(frames("kprobe", &["fork"]));
    all.push(case("attach_kprobe"));
    all
}

#[test]
fn a_complete_run_passes() {
    assert_eq!(JudgedRun::new(&run(both(), "6.12.117-x")).boot(), Ok(()));
}

#[test]
fn what_is_lost_outside_of_any_workload_fails_the_boot() {
    let mut all = both();
    if let Some(Frame::Unloaded(counts)) = all.get_mut(3) {
        counts.sent = 1;
    }
    let boot = JudgedRun::new(&run(all, "6.12.1")).boot().unwrap_err();
    let what = "fentry, from load to unload: 1 records were sent, the numbers tell of 0";
    assert!(boot.contains(what), "{boot}");
}

#[test]
fn a_row_that_did_not_run_fails_the_boot_and_itself() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(
        folder.path().to_owned(),
        Reasons::default(),
        Policy::Compare,
    );
    let judged = JudgedRun::new(&run(frames("fentry", &["fork"]), "6.12.1"));
    let boot = judged.boot().unwrap_err();
    assert!(
        boot.contains("process::fork (kprobe) did not run"),
        "{boot}"
    );
    assert!(boot.contains("no program of the kprobe flavour"), "{boot}");
    let row = judged.workload(&workload("fork"), &snapshots).unwrap_err();
    assert!(row.contains("kprobe: it did not run"), "{row}");
}

#[test]
fn another_kernel_an_unasked_workload_and_a_loss_fail_the_boot() {
    let mut all = both();
    all.extend(frames("fentry", &["exec"]));
    if let Some(Frame::Done(done)) = all.get_mut(2) {
        done.lost.insert("ring_full".into(), 2);
    }
    let boot = JudgedRun::new(&run(all, "6.1.9")).boot().unwrap_err();
    for what in [
        "6.1.9 is not of series 6.12",
        "process::exec ran unasked",
        "2 records lost",
    ] {
        assert!(boot.contains(what), "{boot}");
    }
}

#[test]
fn a_boot_without_a_recording_fails_every_row_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(
        folder.path().to_owned(),
        Reasons::default(),
        Policy::Compare,
    );
    let run = KernelRun::not_begun(Series::new(6, 12), order(), "no QEMU".into());
    let judged = JudgedRun::new(&run);
    assert!(judged.boot().unwrap_err().contains("no QEMU"));
    let row = judged.workload(&workload("fork"), &snapshots).unwrap_err();
    assert!(row.contains("no QEMU"), "{row}");
}

#[test]
fn a_failure_outside_of_any_workload_is_the_boots() {
    let mut all = both();
    all.push(Frame::Failure(crate::recording::Failed {
        what: "load kprobe sensors".into(),
        error: "no".into(),
    }));
    let boot = JudgedRun::new(&run(all, "6.12.1")).boot().unwrap_err();
    assert!(boot.contains("could not load kprobe sensors: no"), "{boot}");
}

#[test]
fn both_flavours_are_compared_and_the_same_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(
        folder.path().to_owned(),
        Reasons::default(),
        Policy::Compare,
    );
    let judged = JudgedRun::new(&run(both(), "6.12.1"));
    let row = judged.workload(&workload("fork"), &snapshots).unwrap_err();
    assert!(
        row.contains("fentry:\n") && row.contains("kprobe:\n  the same"),
        "{row}"
    );
    assert_eq!(row.matches("no snapshot yet").count(), 1, "{row}");
}

#[test]
fn a_case_is_judged_by_its_expectation() {
    let mut all = both();
    let judged = JudgedRun::new(&run(all.clone(), "6.12.1"));
    assert_eq!(judged.loader(&expectation()), Ok(()));
    if let Some(Frame::Case(case)) = all.last_mut() {
        case.counted = Some(2);
    }
    let judged = JudgedRun::new(&run(all, "6.12.1"));
    let row = judged.loader(&expectation()).unwrap_err();
    assert!(row.contains("3 expected, 2 counted"), "{row}");
    assert_eq!(judged.boot(), Ok(()), "a case is its own row's business");
}

#[test]
fn a_case_that_did_not_run_twice_or_unasked_fails_the_boot() {
    let mut all = both();
    all.pop();
    let judged = JudgedRun::new(&run(all.clone(), "6.12.1"));
    let row = judged.loader(&expectation()).unwrap_err();
    assert!(row.contains("it did not run"), "{row}");
    let boot = judged.boot().unwrap_err();
    assert!(boot.contains("loader::attach_kprobe did not run"), "{boot}");
    all.extend(["attach_kprobe", "attach_kprobe", "x"].map(case));
    let boot = JudgedRun::new(&run(all, "6.12.1")).boot().unwrap_err();
    for what in ["loader::attach_kprobe ran twice", "loader::x ran unasked"] {
        assert!(boot.contains(what), "{boot}");
    }
}

#[test]
fn cases_alone_need_no_sensors() {
    let mut alone = run(vec![case("attach_kprobe")], "6.12.1");
    alone.order.workloads.clear();
    assert_eq!(JudgedRun::new(&alone).boot(), Ok(()));
}
