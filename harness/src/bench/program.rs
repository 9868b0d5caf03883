//! What `trapline watch` takes: its size, memory, and what it does while nothing happens.
//!
//! A boot runs the program for each way to build it, and the guest's case tells the
//! figures. This module holds those of the smallest against budgets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::std_along;
use crate::host;
use crate::images::guest;
use crate::kernels::Series;
use crate::progress::Progress;
use crate::rows::Matrix;
use crate::run::{Order, Session, Setup};
use crate::verdict::JudgedRun;
use crate::vm::{Choice, Clock};

/// The cases that tell the figures, and by which clock.
const CASES: [(&str, Clock); 2] = [
    ("watch_cost_by_program", Clock::Wall),
    ("watch_start_by_program", Clock::Instructions),
];

/// How the program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// With the standard library from the toolchain, compiled.
    Shipped,
    /// With that from its sources.
    BuiltAlong,
    /// So, and with the commands alone that an appliance has use for.
    Appliance,
}

/// For cargo: the commands of [`Build::Appliance`] beside `watch`.
const APPLIANCE: [&str; 3] = ["--no-default-features", "--features", "check"];

impl Build {
    /// All, in the order of the table's columns.
    pub const ALL: [Self; 3] = [Self::Shipped, Self::BuiltAlong, Self::Appliance];

    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shipped => "std as it comes",
            Self::BuiltAlong => "std built along",
            Self::Appliance => "watch and check",
        }
    }

    /// The program, and how many bytes of it are objects.
    fn program(self) -> Result<(PathBuf, u64)> {
        let arch = std::env::consts::ARCH;
        match self {
            Self::Shipped => {
                guest::measure_program(arch, None, &|_| ()).map_err(anyhow::Error::msg)
            }
            Self::BuiltAlong => std_along::measure_program(arch, &[]),
            Self::Appliance => std_along::measure_program(arch, &APPLIANCE),
        }
    }
}

/// A figure: what the guest calls it, what people do, and how much of it is allowed of the
/// program that an appliance builds: 1.2 MB, and 4 MB of memory.
const FIGURES: [(&str, &str, u64); 5] = [
    ("program_kib", "program KiB", 1172),
    (
        "loading_peak_kib",
        "peak memory KiB, with the least ring",
        3906,
    ),
    ("idle_kib", "memory KiB then, without rings", 1800),
    ("idle_switches", "waits in 10 s of nothing", 150),
    (
        "start_million_instructions",
        "million instructions from start to first event",
        7000,
    ),
];

/// The same of [`Build::BuiltAlong`], which has all commands.
const WITH_ALL_COMMANDS: [u64; FIGURES.len()] = [1340, 4300, 1800, 150, 7000];

/// Boots a kernel with one of the programs, for one case.
fn boot(
    series: Series,
    build: Build,
    program: PathBuf,
    order: Order,
    progress: &Progress,
) -> Result<JudgedRun> {
    let folder = format!("{} {}", build.name(), order.cases.concat()).replace(' ', "_");
    let setup = Setup {
        root: host::workspace_root(),
        output: host::output_dir(),
        fixed: Some(host::output_dir().join("bench-program").join(folder)),
        accel: Choice::Auto,
        jobs: 1,
        cpus: 1,
        program: Some(program),
        progress: progress.clone(),
    };
    let mut session = Session::new(setup, vec![(series, order)]);
    session.begin()?;
    Ok(JudgedRun::new(&session.waiting(series).wait()))
}

/// The figures of all builds on one kernel, in the order of [`Build::ALL`].
#[derive(Debug)]
pub struct Figures {
    release: String,
    packed_bytes: u64,
    spent: Vec<BTreeMap<String, u64>>,
    /// What the guest says of its times, by which clock: they are not held.
    times: Vec<(&'static str, Clock, String)>,
}

impl Figures {
    /// Builds the program in each way, and boots a kernel for each.
    ///
    /// # Errors
    /// What the compiler says; what keeps the kernel from being booted; a case that fails.
    pub fn measure(series: Series, progress: &Progress) -> Result<Self> {
        let mut figures = Self {
            release: String::new(),
            packed_bytes: 0,
            spent: Vec::new(),
            times: Vec::new(),
        };
        let matrix = Matrix::load(&host::workspace_root())?;
        for build in Build::ALL {
            progress.say(format_args!("building the program, {}", build.name()));
            let (program, packed_bytes) = build.program()?;
            figures.packed_bytes = packed_bytes;
            let mut spent = BTreeMap::new();
            for (name, clock) in CASES {
                let order = Order {
                    cases: vec![name.to_owned()],
                    clock,
                    ..Order::default()
                };
                let judged = boot(series, build, program.clone(), order, progress)?;
                let expected = matrix.long_cases.iter().find(|known| known.name == name);
                let expected = expected.with_context(|| format!("nobody knows the case {name}"))?;
                judged.loader(expected).map_err(anyhow::Error::msg)?;
                let case = judged.case(name);
                let case = case.with_context(|| format!("the guest ran no {name}"))?;
                judged.release().clone_into(&mut figures.release);
                spent.extend(case.spent.clone());
                let times = case.how.clone().unwrap_or_default();
                figures.times.push((build.name(), clock, times));
            }
            figures.spent.push(spent);
        }
        Ok(figures)
    }

    fn figure(&self, build: usize, name: &str) -> u64 {
        let spent = self.spent.get(build).and_then(|spent| spent.get(name));
        spent.copied().unwrap_or(u64::MAX)
    }

    /// Every figure that is above its budget, as a sentence.
    pub fn exceeded(&self) -> Vec<String> {
        let held = |build: usize, name: &str, head: &str, most: u64| {
            let is = self.figure(build, name);
            let of = Build::ALL[build].name();
            (is > most).then(|| format!("{head}, {of}: {is}, {most} are allowed"))
        };
        let figures = FIGURES.iter().zip(WITH_ALL_COMMANDS);
        let figures = figures.flat_map(|((name, head, most), with_all)| {
            [held(1, name, head, with_all), held(2, name, head, *most)]
        });
        figures.flatten().collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let builds = Build::ALL.map(Build::name);
        let head = format!("trapline watch, Linux {}", self.release);
        write!(f, "{head:<44}")?;
        for name in builds {
            write!(f, "{name:>18}")?;
        }
        writeln!(f, "{:>10}", "budget")?;
        for (name, head, most) in FIGURES {
            write!(f, "{head:<44}")?;
            for build in 0..builds.len() {
                write!(f, "{:>18}", self.figure(build, name))?;
            }
            writeln!(f, "{most:>10}")?;
            if name == "program_kib" {
                let packed = self.packed_bytes.div_ceil(1024);
                let head = "  of these eBPF objects, packed";
                write!(f, "{head:<44}")?;
                for _ in builds {
                    write!(f, "{packed:>18}")?;
                }
                writeln!(f)?;
            }
        }
        for (name, clock, times) in &self.times {
            let clock = match clock {
                Clock::Wall => "",
                Clock::Instructions => ", at one instruction in a nanosecond",
            };
            writeln!(f, "{name}{clock}: {times}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_at_their_budget_are_fine_and_each_one_above_is_named() {
        let of = |more: u64| {
            let spent = FIGURES.map(|(name, _, most)| (name.to_owned(), most + more));
            BTreeMap::from(spent)
        };
        let mut figures = Figures {
            release: "6.12".to_owned(),
            packed_bytes: 1,
            spent: vec![of(1), of(0), of(0)],
            times: Vec::new(),
        };
        assert_eq!(figures.exceeded(), Vec::<String>::new());
        figures.spent = vec![of(0), of(1000), of(0)];
        assert_eq!(figures.exceeded().len(), FIGURES.len());
        figures.spent = vec![of(0), of(0), of(1)];
        assert_eq!(figures.exceeded().len(), FIGURES.len());
        figures.spent.pop();
        assert_eq!(figures.exceeded().len(), FIGURES.len());
    }
}
