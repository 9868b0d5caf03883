//! The matrix as tests: one row per kernel and workload, one per boot, one for
//! the snapshots themselves.
//!
//! Rows are known before anything boots; those that the filter selects decide
//! which kernels boot, each once. A filter that selects nothing fails.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::progress::Progress;
use trapline_harness::rows::{Matrix, Row, Subject, Workload};
use trapline_harness::run::{Session, Setup};
use trapline_harness::snapshot::Snapshots;
use trapline_harness::verdict::JudgedRun;
use trapline_harness::vm::Choice;

/// How many kernels run at a time: a boot keeps one processor busy.
const JOBS: usize = 2;
const SNAPSHOTS_ROW: &str = "snapshots::every_file_has_its_row";

/// What all rows share.
struct Court {
    matrix: Matrix,
    snapshots: Result<Snapshots, String>,
    session: Mutex<Session>,
    judged: Mutex<BTreeMap<Series, Arc<OnceLock<JudgedRun>>>>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = host::workspace_root();
    let matrix = match Matrix::load(&root) {
        Ok(matrix) => matrix,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let rows = matrix.rows();
    let selected: Vec<&Row> = rows
        .iter()
        .filter(|row| !arguments.is_filtered_out(&named(&row.name())))
        .collect();
    let snapshots_selected = !arguments.is_filtered_out(&named(SNAPSHOTS_ROW));
    if selected.is_empty() && !snapshots_selected && !arguments.list {
        eprintln!("error: {}", nothing(&arguments, rows.len()));
        return ExitCode::FAILURE;
    }
    let orders = orders(&matrix, &selected);
    let setup = Setup {
        output: host::output_dir(),
        root: root.clone(),
        fixed: None,
        accel: Choice::Auto,
        jobs: JOBS,
        cpus: 1,
        progress: Progress::new(),
    };
    let court = Arc::new(Court {
        snapshots: Snapshots::open(&root).map_err(|error| format!("{error:#}")),
        session: Mutex::new(Session::new(setup, orders)),
        judged: Mutex::default(),
        matrix,
    });
    let mut trials = vec![Trial::test(SNAPSHOTS_ROW, {
        let court = Arc::clone(&court);
        move || court.housekeeping()
    })];
    trials.extend(rows.into_iter().map(|row| {
        let court = Arc::clone(&court);
        Trial::test(row.name(), move || court.judge(&row))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial that only carries its name, to ask whether it is selected.
fn named(name: &str) -> Trial {
    Trial::test(name, || Ok(()))
}

fn nothing(arguments: &Arguments, rows: usize) -> String {
    format!(
        "no row of the matrix matches {:?}, of {rows}; rows look like k6_12::process::fork, and \
         `cargo test --test matrix -- --list` shows all (tests of other binaries may have run: to \
         run only those, name them with --lib or --test)",
        arguments.filter.as_deref().unwrap_or("the arguments")
    )
}

/// Which kernels boot with which workloads. A runner that gives each row a
/// process shares one boot among them, so that one must hold them all.
fn orders(matrix: &Matrix, selected: &[&Row]) -> Vec<(Series, Vec<Workload>)> {
    let shared = std::env::var_os("NEXTEST_RUN_ID").is_some();
    let mut orders = Vec::new();
    for series in &matrix.series {
        let of_kernel: Vec<&&Row> = selected
            .iter()
            .filter(|row| row.series == *series)
            .collect();
        if of_kernel.is_empty() {
            continue;
        }
        let whole = shared || of_kernel.iter().any(|row| row.subject == Subject::Boot);
        let is_selected = |workload: &&Workload| {
            let subject = Subject::Workload((*workload).clone());
            whole || of_kernel.iter().any(|row| row.subject == subject)
        };
        let workloads = matrix.workloads.iter().filter(is_selected).cloned();
        orders.push((*series, workloads.collect()));
    }
    orders
}

impl Court {
    fn snapshots(&self) -> Result<&Snapshots, Failed> {
        self.snapshots
            .as_ref()
            .map_err(|why| Failed::from(why.as_str()))
    }

    fn housekeeping(&self) -> Result<(), Failed> {
        let pair = |workload: &Workload| (workload.family.clone(), workload.name.clone());
        let workloads: Vec<_> = self.matrix.workloads.iter().map(pair).collect();
        let series: Vec<_> = self.matrix.series.iter().map(Series::to_string).collect();
        let wrong = self.snapshots()?.housekeeping(&workloads, &series);
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n").into())
        }
    }

    fn judge(&self, row: &Row) -> Result<(), Failed> {
        let snapshots = self.snapshots()?;
        let run = self.run(row.series)?;
        let judged = run.get().ok_or("a kernel's run was never judged")?;
        let verdict = match &row.subject {
            Subject::Boot => judged.boot(),
            Subject::Workload(workload) => judged.workload(workload, snapshots),
        };
        verdict.map_err(Failed::from)
    }

    /// The judged run of a kernel; the first row that asks makes all kernels boot.
    fn run(&self, series: Series) -> Result<Arc<OnceLock<JudgedRun>>, Failed> {
        let waiting = {
            let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            session.begin().map_err(|error| format!("{error:#}"))?;
            session.waiting(series)
        };
        let cell = {
            let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(judged.entry(series).or_default())
        };
        cell.get_or_init(|| JudgedRun::new(&waiting.wait()));
        Ok(cell)
    }
}
