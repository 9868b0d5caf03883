//! The same documents otherwise: on two processors, and through perf buffers.
//!
//! The matrix boots with one processor, so that two kernels at a time keep a small
//! machine busy, and reads a ring buffer. Here all workloads run on one kernel each,
//! against the same snapshots.

use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::progress::Progress;
use trapline_harness::rows::Matrix;
use trapline_harness::run::{Order, Session, Setup};
use trapline_harness::snapshot::Snapshots;
use trapline_harness::verdict::JudgedRun;
use trapline_harness::vm::Choice;

/// Both tests boot at once, as others do: the host has two processors to keep busy.
const AT_ONCE: usize = 2;

/// What can only go wrong with several, such as records of one lane being numbered by
/// two. Programs of this kernel may be preempted, as those of older ones may not.
#[test]
fn two_processors_report_the_same() {
    report_the_same("processors", "7.3", 2, false);
}

/// On the oldest kernel, where perf buffers have least of what came later.
#[test]
fn perf_buffers_report_the_same() {
    report_the_same("perf_buffers", "5.10", 1, true);
}

fn report_the_same(name: &str, series: &str, cpus: u8, perf_buffers: bool) {
    let root = host::workspace_root();
    let matrix = Matrix::load(&root).unwrap();
    let snapshots = Snapshots::open(&root).unwrap();
    let series: Series = series.parse().unwrap();
    let setup = Setup {
        output: host::output_dir(),
        fixed: Some(host::output_dir().join(name)),
        root,
        accel: Choice::Auto,
        jobs: AT_ONCE,
        cpus,
        program: None,
        progress: Progress::new(),
    };
    // What the loader does is the same.
    let order = Order {
        cases: Vec::new(),
        perf_buffers,
        ..Order::whole(&matrix)
    };
    let mut session = Session::new(setup, vec![(series, order)]);
    session.begin().unwrap();
    let run = session.waiting(series).wait();
    let online = run.recording.as_ref().map(|recording| recording.hello.cpus);
    assert_eq!(online, Ok(u32::from(cpus)));
    let judged = JudgedRun::new(&run);
    let mut wrong: Vec<String> = judged.boot().err().into_iter().collect();
    let rows = matrix.workloads.iter();
    wrong.extend(rows.filter_map(|workload| judged.workload(workload, &snapshots).err()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
