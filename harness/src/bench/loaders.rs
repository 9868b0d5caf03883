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

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::host;
use crate::images;
use crate::progress::Progress;

pub mod budget;
mod table;

pub use table::Table;

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
    /// The static, stripped program.
    pub size_bytes: u64,
    /// System calls, the program's execve(2) included.
    pub syscalls: u64,
    /// Those that are bpf(2).
    pub bpf: u64,
    /// The most memory at a time. It may differ by a page or two.
    pub peak_rss_kib: u64,
    /// The loader's crate and all that it needs at run time.
    pub crates: Vec<String>,
    /// Those of them that are procedural macros.
    pub macros: Vec<String>,
    /// Whether the loader's own crate has a build script.
    pub has_build_script: bool,
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

/// A comparison, ready to run: the programs are built.
#[derive(Debug)]
pub struct Comparison {
    built: Vec<(Contestant, PathBuf)>,
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
            let program = program(contestant, arch)
                .with_context(|| format!("the program of {}", contestant.name))?;
            built.push((*contestant, program));
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
        for (contestant, _) in &self.built {
            all.push(Figures {
                contestant: *contestant,
                counted: self.counted(contestant.name)?,
                cpu_us: Vec::new(),
            });
        }
        for turn in 0..TURNS {
            for (figures, (_, program)) in all.iter_mut().zip(&self.built) {
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
        let (contestant, program) = built
            .find(|(contestant, _)| contestant.name == name)
            .with_context(|| format!("{name} is not built"))?;
        let calls: Calls = self.measured(&["measure-calls"], program)?;
        let tree = tree(contestant)?;
        Ok(Counted {
            size_bytes: fs::metadata(program)?.len(),
            syscalls: calls.syscalls,
            bpf: calls.bpf,
            peak_rss_kib: calls.peak_rss_kib,
            macros: tree.macros,
            crates: tree.crates,
            has_build_script: tree.has_build_script,
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

fn folder(contestant: &Contestant) -> PathBuf {
    host::workspace_root()
        .join("harness/benches/loaders")
        .join(contestant.name)
}

fn cargo(contestant: &Contestant) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder(contestant));
    for (name, _) in std::env::vars_os() {
        // Cargo's own words to what it runs now, and not to a build of something else.
        if name.to_string_lossy().starts_with("CARGO_") {
            command.env_remove(name);
        }
    }
    command
}

/// Builds one program and says where it is.
fn program(contestant: &Contestant, arch: &str) -> Result<PathBuf> {
    let target = format!("{arch}-unknown-linux-{}", contestant.libc);
    let target_folder = host::output_dir()
        .parent()
        .context("the target folder has no place")?
        .join("loaders")
        .join(contestant.name);
    let output = cargo(contestant)
        .args(["build", "--quiet", "--release", "--locked"])
        .args(["--target", &target])
        .env("CARGO_TARGET_DIR", &target_folder)
        .output()
        .context("cargo does not run: run ci/setup")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let name = format!("load-{}", contestant.name);
    Ok(target_folder.join(target).join("release").join(name))
}

struct Tree {
    crates: Vec<String>,
    macros: Vec<String>,
    has_build_script: bool,
}

/// The loader's crate and what it needs at run time.
fn tree(contestant: &Contestant) -> Result<Tree> {
    let output = cargo(contestant)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(["--package", contestant.crate_name])
        .args(["--format", "{p}"])
        .output()
        .context("cargo does not run")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let (crates, macros) = crates_in(&String::from_utf8_lossy(&output.stdout));
    Ok(Tree {
        crates,
        macros,
        has_build_script: has_build_script(contestant)?,
    })
}

/// The crates in the output of `cargo tree`, each once, and those that are
/// procedural macros.
fn crates_in(text: &str) -> (Vec<String>, Vec<String>) {
    let mut crates: Vec<String> = Vec::new();
    let mut macros: Vec<String> = Vec::new();
    for line in text.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.is_empty() || crates.iter().any(|known| known == name) {
            continue;
        }
        if line.contains("(proc-macro)") {
            macros.push(name.to_owned());
        }
        crates.push(name.to_owned());
    }
    (crates, macros)
}

fn has_build_script(contestant: &Contestant) -> Result<bool> {
    let output = cargo(contestant)
        .args(["metadata", "--locked", "--format-version", "1"])
        .output()
        .context("cargo does not run")?;
    ensure!(output.status.success(), "cargo metadata failed");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let mut found = packages
        .iter()
        .filter(|package| package["name"] == contestant.crate_name);
    let package = found.next().context("the loader is no package")?;
    let targets = package["targets"].as_array().cloned().unwrap_or_default();
    let is_script = |target: &serde_json::Value| target["kind"][0] == "custom-build";
    Ok(targets.iter().any(is_script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_counted_once_and_macros_are_named() {
        let text = "aya v0.14.0\nlibc v0.2.1\nthiserror v2.0.0\n\
                    thiserror-impl v2.0.0 (proc-macro)\nlibc v0.2.1 (*)\n\n";
        let (crates, macros) = crates_in(text);
        assert_eq!(crates, ["aya", "libc", "thiserror", "thiserror-impl"]);
        assert_eq!(macros, ["thiserror-impl"]);
    }
}
