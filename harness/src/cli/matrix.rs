//! `cargo harness matrix`: the main job. All workloads and all of the loader's
//! cases on all kernels, a table, and every difference.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::cases;
use crate::host;
use crate::host::workspace_root;
use crate::kernels::Series;
use crate::progress::Progress;
use crate::report::events::Events;
use crate::report::table::Table;
use crate::report::{Report, html};
use crate::rows::{FLAVOURS, Matrix, Row, Subject};
use crate::run::{KernelRun, Order, Session, Setup};
use crate::snapshot::Snapshots;
use crate::verdict::JudgedRun;
use crate::vm::Choice;

/// Arguments of `matrix`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these series, such as 5.10,7.3; all without.
    #[arg(long, value_delimiter = ',', value_name = "SERIES")]
    kernels: Vec<Series>,
    /// Only workloads and cases whose name, such as process::exec_script or
    /// loader::attach_kprobe, matches: `*` stands for anything.
    #[arg(long, value_name = "GLOB")]
    workloads: Option<String>,
    /// What executes guest code.
    #[arg(long, value_enum, default_value_t)]
    accel: Choice,
    /// How many VMs at a time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// The processors of each VM. The documents must not depend on it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    cpus: u8,
    /// Where the page goes instead of target/trapline/report.html.
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,
    /// Instead of all that: what the processes of one row did, such as
    /// k6_12::process::exec_script, event by event.
    #[arg(long, value_name = "ROW", conflicts_with_all = ["kernels", "workloads", "html"])]
    events: Option<String>,
}

/// Runs the subcommand; exit code 1 when anything differs.
///
/// # Errors
/// When nothing is selected, or the report cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace_root();
    let whole = Matrix::load(&root)?;
    if let Some(name) = &arguments.events {
        return show_events(arguments, &root, &whole, name);
    }
    let matrix = select(&whole, arguments)?;
    let snapshots = Snapshots::open(&root)?;
    let begun = Instant::now();
    let runs = boot(arguments, &root, &matrix)?;
    let runs: Vec<&KernelRun> = runs.iter().map(AsRef::as_ref).collect();
    let report = Report::new(&matrix, &runs, &snapshots, begun.elapsed().as_secs_f64());

    let path = arguments
        .html
        .clone()
        .unwrap_or_else(|| host::output_dir().join("report.html"));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&path, html::page(&report))
        .with_context(|| format!("cannot write {}", path.display()))?;

    // A full run sees every snapshot file's row; a filtered one would call the others orphans,
    // so files are always compared with the whole matrix.
    let wrong = housekeeping(&whole, &snapshots);
    let mut out = io::stdout().lock();
    for (name, text) in report.wrong() {
        writeln!(out, "---- {name}\n{text}\n")?;
    }
    for what in &wrong {
        writeln!(out, "---- snapshots\n{what}\n")?;
    }
    let colour = io::stdout().is_terminal();
    writeln!(
        out,
        "{}",
        Table {
            report: &report,
            colour
        }
    )?;
    writeln!(out, "report: {}", path.display())?;
    let right = report.counts().1 == 0 && wrong.is_empty();
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn select(whole: &Matrix, arguments: &Arguments) -> Result<Matrix> {
    let mut matrix = whole.clone();
    for series in &arguments.kernels {
        ensure!(
            whole.series.contains(series),
            "no kernel {series} in the matrix"
        );
    }
    if !arguments.kernels.is_empty() {
        matrix
            .series
            .retain(|series| arguments.kernels.contains(series));
    }
    if let Some(glob) = &arguments.workloads {
        matrix
            .workloads
            .retain(|workload| matches(glob, &workload.to_string()));
        let all = whole.cases.iter().chain(&whole.long_cases);
        let meant = all.filter(|case| is_meant(glob, &case.name));
        matrix.cases = meant.cloned().collect();
        ensure!(
            !matrix.workloads.is_empty() || !matrix.cases.is_empty(),
            "no workload and no case of the loader matches `{glob}`"
        );
    }
    Ok(matrix)
}

/// Whether `glob` means a case: one that takes too long for a row is not meant by a mere star, but
/// only where its kind is spelled out.
fn is_meant(glob: &str, case: &str) -> bool {
    cases::long_kind(case).is_none_or(|kind| glob.contains(kind))
        && matches(glob, &format!("{}::{case}", cases::FAMILY))
}

/// Whether `text` is what `glob` says, where `*` stands for anything; a glob
/// without the family is tried on the bare name as well.
fn matches(glob: &str, text: &str) -> bool {
    let bare = text.rsplit("::").next().unwrap_or(text);
    let whole = |text: &str| {
        let mut parts = glob.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else {
            return false;
        };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else {
            return rest.is_empty();
        };
        for part in middle {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    };
    whole(text) || whole(bare)
}

fn boot(
    arguments: &Arguments,
    root: &Path,
    matrix: &Matrix,
) -> Result<Vec<std::sync::Arc<KernelRun>>> {
    let orders = matrix
        .series
        .iter()
        .map(|series| (*series, Order::whole(matrix)));
    let setup = Setup {
        root: root.to_owned(),
        output: host::output_dir(),
        fixed: Some(host::output_dir().join("matrix")),
        accel: arguments.accel,
        jobs: usize::from(arguments.jobs),
        cpus: arguments.cpus,
        program: None,
        progress: Progress::new(),
    };
    let mut session = Session::new(setup, orders.collect());
    session.begin()?;
    let waiting = matrix
        .series
        .iter()
        .map(|series| session.waiting(*series).wait());
    Ok(waiting.collect())
}

fn housekeeping(whole: &Matrix, snapshots: &Snapshots) -> Vec<String> {
    let workloads = whole.workloads.iter();
    let workloads: Vec<_> = workloads
        .map(|w| (w.family.clone(), w.name.clone()))
        .collect();
    let series: Vec<_> = whole.series.iter().map(Series::to_string).collect();
    snapshots.housekeeping(&workloads, &series)
}

fn show_events(arguments: &Arguments, root: &Path, whole: &Matrix, name: &str) -> Result<ExitCode> {
    let Some(Row {
        series,
        subject: Subject::Workload(workload),
    }) = whole.find(name)
    else {
        bail!("no row `{name}`; one looks like k6_12::process::exec_script");
    };
    let matrix = Matrix {
        series: vec![series],
        workloads: vec![workload.clone()],
        cases: Vec::new(),
        long_cases: Vec::new(),
    };
    let runs = boot(arguments, root, &matrix)?;
    let judged = JudgedRun::new(&runs[0]);
    let mut out = io::stdout().lock();
    for flavour in FLAVOURS {
        if let Some(judged) = judged.judged(&workload, flavour) {
            writeln!(out, "{name}, {flavour}\n{}", Events(&judged.take))?;
        }
    }
    match judged.boot() {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(wrong) => {
            writeln!(out, "{wrong}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_meant, matches};

    #[test]
    fn a_case_that_takes_long_is_meant_only_by_its_kind() {
        for glob in ["*", "loader::*", "*_by_program"] {
            assert!(!is_meant(glob, "isolate_tun_by_program"), "{glob}");
        }
        for (glob, case) in [
            ("loader::isolate*", "isolate_tun_by_program"),
            ("sensing_flows", "sensing_flows"),
            ("*", "attach_kprobe"),
        ] {
            assert!(is_meant(glob, case), "{glob} {case}");
        }
        assert!(!is_meant("watch*", "isolate_tun_by_program"));
    }

    #[test]
    fn a_star_stands_for_anything_and_the_family_may_be_left_out() {
        for (glob, text) in [
            ("process::fork", "process::fork"),
            ("fork", "process::fork"),
            ("exec_*", "process::exec_script"),
            ("*script*", "process::exec_script_lines"),
            ("process::*", "process::x"),
            ("*", "process::x"),
        ] {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [
            ("fork", "process::vfork"),
            ("exec_*", "process::exec"),
            ("", "a::b"),
            ("a*a", "x::a"),
        ] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }
}
