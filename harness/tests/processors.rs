//! The same documents on two processors.
//!
//! The matrix boots with one, so that two kernels at a time keep a small machine
//! busy. What can only go wrong with several, such as records of one lane being
//! numbered by two, shows here: all workloads, on one kernel, against the same
//! snapshots.

use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::progress::Progress;
use trapline_harness::rows::Matrix;
use trapline_harness::run::{Order, Session, Setup};
use trapline_harness::snapshot::Snapshots;
use trapline_harness::verdict::JudgedRun;
use trapline_harness::vm::Choice;

/// Its programs may be preempted, as those of older kernels may not.
const SERIES: &str = "7.3";

#[test]
fn two_processors_report_the_same() {
    let root = host::workspace_root();
    let matrix = Matrix::load(&root).unwrap();
    let snapshots = Snapshots::open(&root).unwrap();
    let series: Series = SERIES.parse().unwrap();
    let setup = Setup {
        output: host::output_dir(),
        fixed: Some(host::output_dir().join("processors")),
        root,
        accel: Choice::Auto,
        jobs: 1,
        cpus: 2,
        progress: Progress::new(),
    };
    // What the loader does is the same on any number of processors.
    let order = Order {
        cases: Vec::new(),
        ..Order::whole(&matrix)
    };
    let mut session = Session::new(setup, vec![(series, order)]);
    session.begin().unwrap();
    let run = session.waiting(series).wait();
    let online = run.recording.as_ref().map(|recording| recording.hello.cpus);
    assert_eq!(online, Ok(2));
    let judged = JudgedRun::new(&run);
    let mut wrong: Vec<String> = judged.boot().err().into_iter().collect();
    let rows = matrix.workloads.iter();
    wrong.extend(rows.filter_map(|workload| judged.workload(workload, &snapshots).err()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
