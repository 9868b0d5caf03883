//! `cargo harness verify`: does any object load on these kernels?
//! `cargo harness objects`: ours, to try it on.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::host::workspace_root;
use crate::kernels::{Lock, Series};
use crate::progress::Progress;
use crate::verify::{
    self, Comparison, Counts, Expected, Failures, Line, Object, Options, Table, our_objects,
    refused_objects,
};
use crate::vm::Choice;

/// An object that is larger is none.
const OBJECT_MAX_BYTES: u64 = 64 << 20;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// BPF objects: ELF files, as clang makes them.
    #[arg(value_name = "OBJ", required_unless_present = "ours")]
    objects: Vec<PathBuf>,
    /// The sensors' objects and those of the corpus as well.
    #[arg(long)]
    ours: bool,
    /// Only these series, such as 5.10,7.3; all without.
    #[arg(long, value_delimiter = ',', value_name = "SERIES")]
    kernels: Vec<Series>,
    /// Attach programs, too, where their section alone says to what.
    #[arg(long)]
    attach: bool,
    /// One line of JSON for each kernel, object and program, and no table.
    #[arg(long)]
    json: bool,
    /// What an earlier run with --json printed: tells what has changed since.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// What has to come out, as harness/corpus/expected.toml is: tells what did not,
    /// and exits with 0 if all did.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// How many VMs at a time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// How long a kernel may take to load, or to attach, one program.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..))]
    timeout: u16,
    /// What executes guest code.
    #[arg(long, value_enum, default_value_t)]
    accel: Choice,
}

/// Arguments of `objects`.
#[derive(Debug, clap::Args)]
pub struct ObjectsArguments {
    /// Where to write them.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the subcommand: 0 when every program loads, and attaches where that was
/// asked for, on every kernel, or all does as is expected of it; 1 when not; 2 for
/// wrong use.
///
/// # Errors
/// When the tools or kernels are missing, or a log cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let inputs = match inputs(arguments) {
        Ok(inputs) => inputs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let progress = Progress::new();
    let options = Options {
        kernels: arguments.kernels.clone(),
        attach: arguments.attach,
        step_timeout: Duration::from_secs(arguments.timeout.into()),
        accel: arguments.accel,
        jobs: arguments.jobs.into(),
        progress,
    };
    let objects = inputs.objects;
    let judged = verify::run(&objects, &options)?;
    let lines = verify::lines(&objects, &judged);
    let comparison = inputs.saved;
    let comparison = comparison.map(|(name, saved)| Comparison::new(&name, &saved, &lines));
    let mut out = io::stdout().lock();
    if arguments.json {
        for line in &lines {
            writeln!(out, "{}", serde_json::to_string(line)?)?;
        }
        if let Some(comparison) = comparison {
            eprint!("{comparison}");
        }
    } else {
        let failures = Failures {
            objects: &objects,
            judged: &judged,
        };
        let table = Table {
            objects: &objects,
            judged: &judged,
            colour: io::stdout().is_terminal(),
        };
        write!(out, "{table}{failures}")?;
        if let Some(comparison) = comparison {
            write!(out, "\n{comparison}")?;
        }
    }
    out.flush()?;
    if let Some(expected) = inputs.expected {
        let differences = expected.differences(&objects, &lines);
        for difference in &differences {
            eprintln!("not as expected: {difference}");
        }
        return Ok(ExitCode::from(u8::from(!differences.is_empty())));
    }
    let counts = Counts::of(judged.iter().flat_map(|judged| &judged.rows));
    Ok(match counts.all_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Everything that the arguments name, read before any kernel is booted.
struct Inputs {
    objects: Vec<Object>,
    /// An earlier run, and its file's name.
    saved: Option<(String, Vec<Line>)>,
    expected: Option<Expected>,
}

fn inputs(arguments: &Arguments) -> Result<Inputs> {
    Lock::load(&workspace_root())?.select(&arguments.kernels)?;
    let mut objects = read_all(&arguments.objects)?;
    if arguments.ours {
        objects.extend(our_objects()?);
    }
    let saved = match &arguments.compare {
        Some(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            let saved = verify::parse(&text)
                .map_err(|why| anyhow::anyhow!("{name} is not what --json prints: {why}"))?;
            Some((name, saved))
        }
        None => None,
    };
    let expected = arguments
        .expect
        .as_deref()
        .map(Expected::load)
        .transpose()?;
    Ok(Inputs {
        objects,
        saved,
        expected,
    })
}

/// Reads objects. They go by their files' names, or by their whole paths where
/// two have the same name.
fn read_all(paths: &[PathBuf]) -> Result<Vec<Object>> {
    let file_name = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> = paths
        .iter()
        .map(|path| file_name(path))
        .filter(|name| !seen.insert(name.clone()))
        .collect();
    let read = |path: &PathBuf| {
        let shown = path.display();
        let length = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
        if length.len() > OBJECT_MAX_BYTES {
            bail!("{shown} has over {} MiB", OBJECT_MAX_BYTES >> 20);
        }
        let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let name = file_name(path);
        Ok(Object {
            name: match twice.contains(&name) {
                true => shown.to_string(),
                false => name,
            },
            bytes: Arc::from(bytes),
        })
    };
    paths.iter().map(read).collect()
}

/// Writes our objects into a folder, and into its folder `refused` those that
/// kernels refuse, to see what is said of them.
///
/// # Errors
/// When a file cannot be written.
pub fn objects(arguments: &ObjectsArguments) -> Result<ExitCode> {
    let folder = &arguments.folder;
    let write = |folder: &Path, objects: Vec<Object>| -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for object in objects {
            let path = folder.join(&object.name);
            fs::write(&path, &object.bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", path.display());
        }
        Ok(())
    };
    write(folder, our_objects()?)?;
    write(&folder.join("refused"), refused_objects())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_one_name_go_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("x")).unwrap();
        for name in ["a.o", "b.o", "x/a.o"] {
            fs::write(path(name), b"x").unwrap();
        }
        let objects = read_all(&[path("a.o"), path("b.o"), path("x/a.o")]).unwrap();
        let names: Vec<_> = objects.iter().map(|object| object.name.clone()).collect();
        let shown = |name: &str| path(name).display().to_string();
        assert_eq!(names, [shown("a.o"), "b.o".to_owned(), shown("x/a.o")]);
        let error = read_all(&[path("none.o")]).unwrap_err();
        assert!(error.to_string().contains("none.o"), "{error}");
    }
}
