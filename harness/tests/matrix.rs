//! The matrix as tests: one row per kernel and workload, one per kernel and case
//! of the loader, one per boot, one for the snapshots themselves, and one that
//! puts bugs into what the sensors said.
//!
//! Rows are known before anything boots; those that the filter selects decide
//! which kernels boot, each once. A filter that selects nothing fails.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::mutate;
use trapline_harness::progress::Progress;
use trapline_harness::rows::{Matrix, Row, Subject, Workload};
use trapline_harness::run::{Order, Session, Setup, Waiting};
use trapline_harness::snapshot::Snapshots;
use trapline_harness::verdict::JudgedRun;
use trapline_harness::vm::Choice;

/// How many kernels run at a time: a boot keeps one processor busy.
const JOBS: usize = 2;
const SNAPSHOTS_ROW: &str = "snapshots::every_file_has_its_row";
/// The kernel whose recording is judged under every bug that a sensor could have.
/// What is put to the test is the workloads and their judges, which are the same
/// for all kernels, so that one is enough; this is Debian's stable one.
const MUTANTS_SERIES: Series = Series::new(6, 12);
const MUTANTS_ROW: &str = "mutants::every_field_matters";
/// Another kernel boots meanwhile.
const MUTANTS_THREADS: usize = 2;

/// What all rows share.
struct Court {
    matrix: Matrix,
    snapshots: Result<Snapshots, String>,
    session: Mutex<Session>,
    judged: Mutex<BTreeMap<Series, Arc<OnceLock<JudgedRun>>>>,
    progress: Progress,
}

/// What the command line selects.
struct Selection<'a> {
    rows: Vec<&'a Row>,
    snapshots: bool,
    mutants: bool,
}

impl<'a> Selection<'a> {
    fn of(arguments: &Arguments, rows: &'a [Row]) -> Self {
        let is_selected = |name: &str| !arguments.is_filtered_out(&named(name));
        let of_rows = rows.iter().filter(|row| is_selected(&row.name()));
        Self {
            rows: of_rows.collect(),
            snapshots: is_selected(SNAPSHOTS_ROW),
            mutants: is_selected(&mutants_row()),
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.snapshots && !self.mutants
    }
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
    let selection = Selection::of(&arguments, &rows);
    if selection.is_empty() && !arguments.list {
        eprintln!("error: {}", nothing(&arguments, rows.len()));
        return ExitCode::FAILURE;
    }
    let orders = orders(&matrix, &selection);
    let progress = Progress::new();
    let setup = Setup {
        output: host::output_dir(),
        root: root.clone(),
        fixed: None,
        accel: Choice::Auto,
        jobs: JOBS,
        cpus: 1,
        program: None,
        progress: progress.clone(),
    };
    let court = Arc::new(Court {
        snapshots: Snapshots::open(&root).map_err(|error| format!("{error:#}")),
        session: Mutex::new(Session::new(setup, orders)),
        judged: Mutex::default(),
        matrix,
        progress,
    });
    let mut trials = vec![Trial::test(SNAPSHOTS_ROW, {
        let court = Arc::clone(&court);
        move || court.housekeeping()
    })];
    trials.push(Trial::test(mutants_row(), {
        let court = Arc::clone(&court);
        move || court.every_field_matters()
    }));
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

fn mutants_row() -> String {
    format!("{}::{MUTANTS_ROW}", MUTANTS_SERIES.row_prefix())
}

fn nothing(arguments: &Arguments, rows: usize) -> String {
    format!(
        "no row of the matrix matches {:?}, of {rows}; rows look like k6_12::process::fork, and \
         `cargo test --test matrix -- --list` shows all (tests of other binaries may have run: to \
         run only those, name them with --lib or --test)",
        arguments.filter.as_deref().unwrap_or("the arguments")
    )
}

/// Which kernels boot, and what for. A runner that gives each row a
/// process shares one boot among them, so that one must hold them all.
fn orders(matrix: &Matrix, selection: &Selection) -> Vec<(Series, Order)> {
    let shared = std::env::var_os("NEXTEST_RUN_ID").is_some();
    let mut orders = Vec::new();
    for series in &matrix.series {
        let of_kernel: Vec<&&Row> = selection
            .rows
            .iter()
            .filter(|row| row.series == *series)
            .collect();
        let mutants = selection.mutants && *series == MUTANTS_SERIES;
        if of_kernel.is_empty() && !mutants {
            continue;
        }
        let boot = of_kernel.iter().any(|row| row.subject == Subject::Boot);
        let whole = shared || mutants || boot;
        let is_selected = |workload: &Workload| {
            let subject = Subject::Workload(workload.clone());
            whole || of_kernel.iter().any(|row| row.subject == subject)
        };
        let is_selected_case = |name: &String| {
            let subject = Subject::Case(name.clone());
            shared || boot || of_kernel.iter().any(|row| row.subject == subject)
        };
        let mut order = Order::whole(matrix);
        order.workloads.retain(is_selected);
        order.cases.retain(is_selected_case);
        orders.push((*series, order));
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

    /// Any one field that the sensors fill wrongly turns a row red.
    fn every_field_matters(&self) -> Result<(), Failed> {
        let snapshots = self.snapshots()?;
        if !self.matrix.series.contains(&MUTANTS_SERIES) {
            return Err(format!("{MUTANTS_SERIES} is no longer locked: name another").into());
        }
        let run = self.waiting(MUTANTS_SERIES)?.wait();
        let recording = run.recording.as_ref().map_err(Failed::from)?;
        let trial =
            mutate::every_field_matters(recording, snapshots, MUTANTS_SERIES, MUTANTS_THREADS)?;
        let list = host::output_dir().join("mutants.txt");
        host::write_whole(&list, trial.list().as_bytes())
            .map_err(|error| format!("cannot write {}: {error}", list.display()))?;
        let row = mutants_row();
        self.progress
            .say(format_args!("{row}: {trial}; all: {}", list.display()));
        trial.verdict().map_err(Failed::from)
    }

    fn judge(&self, row: &Row) -> Result<(), Failed> {
        let run = self.run(row.series)?;
        let judged = run.get().ok_or("a kernel's run was never judged")?;
        let verdict = match &row.subject {
            Subject::Boot => judged.boot(),
            Subject::Workload(workload) => judged.workload(workload, self.snapshots()?),
            Subject::Case(name) => {
                let expected = self.matrix.case(name).ok_or("nobody knows this case")?;
                judged.loader(expected)
            }
        };
        verdict.map_err(Failed::from)
    }

    /// The judged run of a kernel; the first row that asks makes all kernels boot.
    fn run(&self, series: Series) -> Result<Arc<OnceLock<JudgedRun>>, Failed> {
        let waiting = self.waiting(series)?;
        let cell = {
            let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(judged.entry(series).or_default())
        };
        cell.get_or_init(|| JudgedRun::new(&waiting.wait()));
        Ok(cell)
    }

    fn waiting(&self, series: Series) -> Result<Waiting, Failed> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.begin().map_err(|error| format!("{error:#}"))?;
        Ok(session.waiting(series))
    }
}
