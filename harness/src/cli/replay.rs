//! `cargo harness replay`: repeats on a kernel what a test of random operations has told.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};

use crate::host::{output_dir, workspace_root};
use crate::kernels::Series;
use crate::progress::Progress;
use crate::rows::Matrix;
use crate::run::{Order, Session, Setup};
use crate::verdict::JudgedRun;
use crate::vm::Choice;

/// What there are models of.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Model {
    Files,
    Sockets,
}

impl Model {
    /// The guest's case, and on how many processors it runs.
    fn case(self) -> (&'static str, u8) {
        match self {
            Self::Files => ("sensing_operations", 1),
            Self::Sockets => ("sensing_sockets", 2),
        }
    }
}

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The kernel's series, such as 6.12.
    series: Series,
    /// What the operations are done to.
    model: Model,
    /// The sensors' flavour: fentry or kprobe.
    flavour: String,
    /// The operations, as the test has told them: `create a; exchange a b`.
    operations: String,
    /// What executes guest code.
    #[arg(long, value_enum, default_value_t)]
    accel: Choice,
}

/// Runs the subcommand: 1 when the sensors say something else than the model.
///
/// # Errors
/// When a kernel cannot be fetched or a tool is missing.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace_root();
    let (case, cpus) = arguments.model.case();
    let matrix = Matrix::load(&root)?;
    let Some(expected) = matrix.long_cases.iter().find(|known| known.name == case) else {
        bail!("nobody knows the case {case}: see harness/guest/loader.toml");
    };
    let output = output_dir();
    let setup = Setup {
        fixed: Some(output.join("replay")),
        output,
        root,
        accel: arguments.accel,
        jobs: 1,
        cpus,
        program: None,
        progress: Progress::new(),
    };
    let (flavour, operations) = (&arguments.flavour, &arguments.operations);
    let order = Order {
        cases: vec![format!("{case} {flavour} {operations}")],
        ..Order::default()
    };
    let mut session = Session::new(setup, vec![(arguments.series, order)]);
    session.begin().map_err(|error| anyhow!(error))?;
    let run = session.waiting(arguments.series).wait();
    let judged = JudgedRun::new(&run);
    match judged.loader(expected) {
        Ok(()) => {
            let events = judged.case(case).and_then(|case| case.counted).unwrap_or(0);
            println!("{events} events, all as the model has them");
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => {
            println!("{wrong}");
            Ok(ExitCode::FAILURE)
        }
    }
}
