//! What loading an object costs, with this loader and with others.
//!
//! Three small programs below `harness/benches/loaders` load the same object,
//! attach nothing and end: each with one loader, each a package of its own outside
//! of the workspace. They run on this host's kernel, in turns, so that what else
//! the machine does meets all alike. What is counted (sizes, system calls, crates)
//! is exact; processor time is told as the least and the median of many runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::host;
use crate::images;
use crate::progress::Progress;

pub mod budget;
mod build;
mod table;
pub(super) mod tree;

pub use table::Table;
pub use tree::Tree;

use build::{Package, Std};

/// The object of the corpus that all load.
pub const OBJECT: &str = "bench_load";
/// Runs of each loader in one turn.
const RUNS_PER_TURN: usize = 8;
/// Turns; the first is thrown away.
const TURNS: usize = 6;

/// One loader's program.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// The folder below `harness/benches/loaders`, and the loader's crate.
    pub name: &'static str,
    /// What the crate that it depends on is called.
    pub crate_name: &'static str,
    /// What the program is linked with.
    libc: &'static str,
}

/// Ours first.
pub const CONTESTANTS: [Contestant; 3] = [
    Contestant {
        name: "trapline",
        crate_name: "trapline-loader",
        libc: "musl",
    },
    Contestant {
        name: "libbpf-rs",
        crate_name: "libbpf-rs",
        libc: "gnu",
    },
    Contestant {
        name: "aya",
        crate_name: "aya",
        libc: "musl",
    },
];

/// What is the same whenever it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The stripped program, static but for glibc.
    pub size_bytes: u64,
    /// That of a program that does nothing, built the same way.
    pub empty_bytes: u64,
    /// The program built along with the standard library.
    pub with_std_bytes: u64,
    /// System calls, the program's execve(2) included.
    pub syscalls: u64,
    /// Those that are bpf(2).
    pub bpf: u64,
    /// The most memory at a time. It may differ by a page or two.
    pub peak_rss_kib: u64,
    /// The loader's crate and all that it needs at run time.
    pub tree: Tree,
}

impl Counted {
    /// What loading adds to a program that does nothing.
    pub fn share_bytes(&self) -> u64 {
        self.size_bytes.saturating_sub(self.empty_bytes)
    }
}

/// One loader's figures.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Whose.
    pub contestant: Contestant,
    /// What is exact.
    pub counted: Counted,
    /// Time on a processor, in the program and in the kernel, run by run, sorted.
    pub cpu_us: Vec<u64>,
}

impl Figures {
    /// The least of all runs.
    pub fn least_us(&self) -> u64 {
        self.cpu_us.first().copied().unwrap_or(0)
    }

    /// The median of all runs.
    pub fn median_us(&self) -> u64 {
        self.cpu_us.get(self.cpu_us.len() / 2).copied().unwrap_or(0)
    }
}

/// One loader's program, and those that its size is seen beside.
#[derive(Debug)]
struct Built {
    contestant: Contestant,
    program: PathBuf,
    empty: PathBuf,
    with_std: PathBuf,
}

impl Built {
    fn new(contestant: &Contestant) -> Result<Self> {
        let package = Package::of(contestant);
        let name = "empty";
        let empty = Package { name, ..package };
        Ok(Self {
            contestant: *contestant,
            program: package.build(Std::Shipped)?,
            empty: empty.build(Std::Shipped)?,
            with_std: package.build(Std::BuiltAlong)?,
        })
    }
}

/// A comparison, ready to run: the programs are built.
#[derive(Debug)]
pub struct Comparison {
    built: Vec<Built>,
    guest: PathBuf,
    object: PathBuf,
}

impl Comparison {
    /// Builds the programs of these loaders.
    ///
    /// # Errors
    /// Without root, which loading takes; what the compiler says.
    pub fn build(contestants: &[Contestant], progress: &Progress) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "loading objects needs root: run it as root, or with sudo"
        );
        let arch = std::env::consts::ARCH;
        let guest = images::guest::build(arch).map_err(anyhow::Error::msg)?;
        let object = host::output_dir().join(format!("{OBJECT}.bpf.o"));
        let bytes = trapline_corpus::object(OBJECT).context("the corpus has no such object")?;
        host::write_whole(&object, bytes)
            .with_context(|| format!("cannot write {}", object.display()))?;
        let mut built = Vec::new();
        for contestant in contestants {
            progress.say(format_args!("building the program of {}", contestant.name));
            let programs = Built::new(contestant);
            built.push(programs.with_context(|| format!("the program of {}", contestant.name))?);
        }
        Ok(Self {
            built,
            guest,
            object,
        })
    }

    /// Runs all of them, in turns.
    ///
    /// # Errors
    /// A program that fails, with what it said.
    pub fn run(&self) -> Result<Vec<Figures>> {
        let mut all = Vec::new();
        for Built { contestant, .. } in &self.built {
            all.push(Figures {
                contestant: *contestant,
                counted: self.counted(contestant.name)?,
                cpu_us: Vec::new(),
            });
        }
        for turn in 0..TURNS {
            for (figures, Built { program, .. }) in all.iter_mut().zip(&self.built) {
                let cost: Cost =
                    self.measured(&["measure", &RUNS_PER_TURN.to_string()], program)?;
                if turn > 0 {
                    figures.cpu_us.extend(cost.cpu_us);
                }
            }
        }
        for figures in &mut all {
            figures.cpu_us.sort_unstable();
        }
        Ok(all)
    }

    /// What is exact of one loader.
    ///
    /// # Errors
    /// A program that fails, with what it said; what cargo says.
    pub fn counted(&self, name: &str) -> Result<Counted> {
        let mut built = self.built.iter();
        let built = built
            .find(|built| built.contestant.name == name)
            .with_context(|| format!("{name} is not built"))?;
        let contestant = &built.contestant;
        let calls: Calls = self.measured(&["measure-calls"], &built.program)?;
        let bytes = |program: &Path| Ok::<_, std::io::Error>(fs::metadata(program)?.len());
        Ok(Counted {
            size_bytes: bytes(&built.program)?,
            empty_bytes: bytes(&built.empty)?,
            with_std_bytes: bytes(&built.with_std)?,
            syscalls: calls.syscalls,
            bpf: calls.bpf,
            peak_rss_kib: calls.peak_rss_kib,
            tree: Tree::of(&Package::of(contestant).folder(), contestant.crate_name)?,
        })
    }

    fn measured<T: serde::de::DeserializeOwned>(
        &self,
        words: &[&str],
        program: &Path,
    ) -> Result<T> {
        let output = Command::new(&self.guest)
            .args(words)
            .args([program, &self.object])
            .output()
            .context("the guest's binary does not run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}: {}",
            program.display(),
            said.trim_end()
        );
        serde_json::from_slice(&output.stdout).context("what it measured cannot be read")
    }
}

#[derive(Debug, Deserialize)]
struct Cost {
    cpu_us: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct Calls {
    syscalls: u64,
    bpf: u64,
    peak_rss_kib: u64,
}
