//! The sensors at length: what they leave out, the paths of a random tree, random operations against
//! models of a file system and of sockets, what goes through connections, a real build against what
//! strace says of it, when flows end, what is left of calls that never went on, how often the reader
//! is woken, and the account of a storm. And the guest isolated, and watched, and the program as an
//! appliance runs it.
//!
//! One boot for each test: `k6_12::operations`, `k6_12::filters`, `k7_3::storm`.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::progress::Progress;
use trapline_harness::rows::Matrix;
use trapline_harness::run::{Order, Session, Setup};
use trapline_harness::verdict::JudgedRun;
use trapline_harness::vm::Choice;

/// One boot: its name, its cases, and on how many processors.
type Boot = (&'static str, &'static [&'static str], u8);

const FILTERS: Boot = (
    "filters",
    &["sensing_filters_fentry", "sensing_filters_kprobe"],
    1,
);
/// The storm of a tenth, with a ring that is too small for it.
const PATHS_AND_LOSSES: Boot = (
    "paths_and_losses",
    &["sensing_paths", "sensing_storm_lost"],
    2,
);
const OPERATIONS: Boot = ("operations", &["sensing_operations"], 1);
const SOCKETS: Boot = ("sockets", &["sensing_sockets"], 2);
const BUILD: Boot = (
    "build",
    &["sensing_build_fentry", "sensing_build_kprobe"],
    1,
);
const WAITING: Boot = (
    "waiting",
    &["sensing_waiting_fentry", "sensing_waiting_kprobe"],
    1,
);
const ISOLATION: Boot = (
    "isolation",
    &[
        "isolate_flows_by_program",
        "isolate_flows6_by_program",
        "isolate_packets_by_program",
        "isolate_later_by_program",
        "isolate_others_by_program",
        "isolate_tun_by_program",
        "isolate_ends_by_program",
    ],
    1,
);
const WATCH: Boot = (
    "watch",
    &[
        "watch_kinds_by_program",
        "watch_ends_by_program",
        "watch_cost_by_program",
    ],
    1,
);
const WATCH_MORE: Boot = (
    "watch_more",
    &[
        "watch_filters_by_program",
        "watch_policy_by_program",
        "watch_slow_by_program",
        "watch_cycles_by_program",
        "watch_service_by_program",
    ],
    1,
);
const WATCH_THOUSAND: Boot = ("watch_thousand", &["watch_thousand_by_program"], 1);
const LEAST: Boot = (
    "least_privilege",
    &[
        "watch_policy_writable_by_program",
        "watch_privileges_by_program",
        "watch_defence_by_program",
    ],
    1,
);
const WAKES: Boot = ("wakes_and_flows", &["sensing_wakes", "sensing_flows"], 1);
const APPLIANCE: Boot = (
    "appliance",
    &["check_unprivileged_by_program", "sensing_check_by_program"],
    1,
);
/// The oldest and the newest kernel stand for those between, and one in the middle.
const THREE: &[Series] = &[Series::new(5, 10), Series::new(6, 12), Series::new(7, 3)];
/// What is the program's own and not the kernel's, is so on any.
const ONE: &[Series] = &[Series::new(6, 12)];
const PAYLOAD: Boot = ("payload", &["sensing_payload"], 1);
/// Where what a call sends from has another form, and pages go another way.
const FORMS: &[Series] = &[
    Series::new(5, 10),
    Series::new(6, 1),
    Series::new(6, 12),
    Series::new(7, 3),
];
/// The older kernel does not preempt its programs, the newer one does.
const STORM: Boot = ("storm", &["sensing_storm"], 2);
const STORM_SERIES: &[Series] = &[Series::new(5, 10), Series::new(7, 3)];

/// Each boot, and on which kernels it goes with all other tests. On the others only when
/// asked for, by `-- --include-ignored`, which takes several times as long.
const BOOTS: [(Boot, &[Series]); 15] = [
    (FILTERS, FORMS),
    (PATHS_AND_LOSSES, FORMS),
    (OPERATIONS, FORMS),
    (SOCKETS, FORMS),
    (PAYLOAD, FORMS),
    (BUILD, THREE),
    (WAITING, THREE),
    (WAKES, THREE),
    (APPLIANCE, THREE),
    (ISOLATION, THREE),
    (WATCH, ONE),
    (LEAST, ONE),
    (STORM, STORM_SERIES),
    (WATCH_MORE, ONE),
    (WATCH_THOUSAND, &[]),
];

/// So many boots at once, and no more turns than that are there for all who boot.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A boot keeps one processor busy, a storm both.
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let matrix = match Matrix::load(&host::workspace_root()) {
        Ok(matrix) => Arc::new(matrix),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for series in &matrix.series {
        for (boot, kernels) in BOOTS {
            let trial = trial(&matrix, *series, boot);
            trials.push(trial.with_ignored_flag(!kernels.contains(series)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(matrix: &Arc<Matrix>, series: Series, (name, cases, cpus): Boot) -> Trial {
    let matrix = Arc::clone(matrix);
    Trial::test(format!("{}::{name}", series.row_prefix()), move || {
        judge(&matrix, series, name, cases, cpus)
    })
}

fn judge(
    matrix: &Matrix,
    series: Series,
    name: &str,
    cases: &[&str],
    cpus: u8,
) -> Result<(), Failed> {
    let output = host::output_dir();
    let progress = Progress::new();
    let setup = Setup {
        fixed: Some(output.join("sensing").join(name)),
        output,
        root: host::workspace_root(),
        accel: Choice::Auto,
        jobs: AT_ONCE,
        cpus,
        program: None,
        progress: progress.clone(),
    };
    let order = Order {
        cases: cases.iter().map(|case| (*case).to_owned()).collect(),
        ..Order::default()
    };
    let mut session = Session::new(setup, vec![(series, order)]);
    session.begin().map_err(|error| format!("{error:#}"))?;
    let run = session.waiting(series).wait();
    let judged = JudgedRun::new(&run);
    let mut wrong = Vec::new();
    for case in cases {
        let expected = matrix.long_cases.iter().find(|known| known.name == *case);
        let expected = expected.ok_or_else(|| format!("nobody knows the case {case}"))?;
        if let Some(done) = judged.case(case) {
            let (right, ms) = (done.counted.unwrap_or(0), done.elapsed_ms);
            let how = done.how.as_deref().unwrap_or_default();
            let spent: Vec<String> = done
                .spent
                .iter()
                .map(|(what, n)| format!(", {what} {n}"))
                .collect();
            progress.say(format_args!(
                "{series} {case}: {right} right, {ms} ms{}, {how}",
                spent.concat()
            ));
        }
        wrong.extend(judged.loader(expected).err());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}
