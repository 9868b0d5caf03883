//! Verdicts on boots made up for the purpose.

use std::time::Duration;

use super::failure::{Cause, Late};
use super::judge::{Seen, Stopped, judge};
use super::splat::{SerialLog, Splat};
use super::{Accel, refuse_old};
use crate::host::Qemu;
use crate::recording::Expected;

#[test]
fn a_silent_guest_that_never_ends_is_not_a_pass() {
    let verdict = verdict_of(Stopped::Finished, &[], b"");
    assert!(matches!(verdict, Cause::RunnerLeft(_)), "{verdict}");
}

#[test]
fn a_panic_outweighs_the_lost_vm_that_follows() {
    let verdict = verdict_of(
        Stopped::Lost("QEMU ended by itself".into()),
        &["[ 5.1] Kernel panic - not syncing: sysrq triggered crash"],
        b"",
    );
    assert!(
        matches!(&verdict, Cause::Splat { splat: Splat::Panic, line } if line.contains("sysrq")),
        "{verdict}"
    );
}

#[test]
fn a_killed_runner_is_named_although_the_stream_stops_too() {
    let verdict = verdict_of(
        Stopped::RunnerEnded,
        &["[ 5.1] trapline: runner ended, signal 9"],
        b"",
    );
    assert_eq!(verdict, Cause::GuestKilled { signal: 9 });
}

#[test]
fn a_cut_frame_is_a_truncated_stream_although_the_runner_left_with_success() {
    let verdict = verdict_of(
        Stopped::RunnerEnded,
        &["[ 5.1] trapline: runner ended, exit 0"],
        b"TLF1\x40\0\0\0",
    );
    assert!(matches!(verdict, Cause::StreamTruncated(_)), "{verdict}");
}

#[test]
fn rubbish_in_the_stream_is_named_with_its_place() {
    let verdict = verdict_of(Stopped::Defect, &[], b"what is this");
    assert_eq!(
        verdict.to_string(),
        "stream broken: frame 0 at byte 0: no frame begins here"
    );
}

#[test]
fn a_deadline_is_named_with_what_missed_it() {
    let late = Stopped::Late {
        what: Late::Workload("process::fork (fentry)".into()),
        allowed: Duration::from_secs(30),
    };
    assert_eq!(
        verdict_of(late, &[], b"").to_string(),
        "time-out: process::fork (fentry) took over 30 s"
    );
}

#[test]
fn a_lost_vm_keeps_its_reason() {
    let verdict = verdict_of(Stopped::Lost("QEMU says: no".into()), &[], b"");
    assert_eq!(verdict, Cause::VmLost("QEMU says: no".into()));
}

#[test]
fn a_vm_that_ends_after_its_runner_is_not_the_cause() {
    let verdict = verdict_of(
        Stopped::Lost("QEMU ended by itself".into()),
        &["[ 5.1] trapline: runner ended, exit 0"],
        b"TLF1",
    );
    assert!(matches!(verdict, Cause::StreamTruncated(_)), "{verdict}");
}

#[test]
fn a_failed_set_up_in_the_guest_is_named() {
    let verdict = verdict_of(
        Stopped::Finished,
        &["[ 1.1] trapline: init failed: bring lo up: No such device"],
        b"",
    );
    assert!(verdict.to_string().starts_with("guest set-up failed: "));
}

#[test]
fn an_old_qemu_is_refused_where_it_would_emulate_and_only_there() {
    let qemu = |version| Qemu {
        program: "/usr/bin/qemu-system-x86_64".into(),
        version,
    };
    let why = refuse_old(&qemu((7, 2)), Accel::Tcg).expect_err("7.2 emulates wrongly");
    assert!(why.contains("7.2") && why.contains("ci/setup"), "{why}");
    assert_eq!(refuse_old(&qemu((7, 2)), Accel::Kvm), Ok(()));
    assert_eq!(refuse_old(&qemu((10, 0)), Accel::Tcg), Ok(()));
}

fn verdict_of(stopped: Stopped, lines: &[&str], bytes: &[u8]) -> Cause {
    let mut serial = SerialLog::default();
    for line in lines {
        serial.push(line);
    }
    let expected = Expected {
        nonce: "n".into(),
        release: "6.12".into(),
    };
    judge(&Seen {
        stopped,
        serial: &serial,
        bytes,
        expected: &expected,
    })
    .expect_err("none of these is a pass")
    .cause
}
