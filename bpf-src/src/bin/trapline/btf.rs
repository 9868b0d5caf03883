//! `trapline btf`: minimised BTF.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use trapline_loader::error::ResultExt;
use trapline_loader::relo_core::minimise;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

use crate::files;

/// Works on kernels' type information.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Min(Min),
}

/// Keeps of a kernel's types only what the objects look at.
///
/// What is left is some kilobytes of valid BTF that CO-RE relocations resolve
/// against as they do against the whole. Ship it with an appliance for kernels
/// that have no BTF of their own. Types get other ids, so a program of fentry,
/// fexit, tp_btf, lsm or iter still needs a kernel with BTF to attach to.
#[derive(Debug, clap::Args)]
struct Min {
    /// The objects.
    #[arg(required = true, value_name = "OBJ")]
    objects: Vec<PathBuf>,
    /// A file with a kernel's BTF, or a folder of such files.
    #[arg(long, value_name = "FILE|DIR")]
    btf: PathBuf,
    /// Where to write it: a file, or for a folder of BTF a folder, in which
    /// each file gets the name of the one that it was made from.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs the subcommand; false where something went wrong that was told already.
///
/// # Errors
/// What cannot be read, written or resolved.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let Action::Min(min) = &arguments.action;
    let objects = min.objects.iter().map(|path| files::object(path));
    let objects: Vec<ObjectSpec> = objects.collect::<Result<_>>()?;
    let is_folder = min.btf.is_dir();
    if is_folder {
        let made = std::fs::create_dir_all(&min.output);
        made.map_err(|error| Error::io(&min.output, &error))?;
    }
    for mut named in files::btfs(core::slice::from_ref(&min.btf))? {
        let output = match (is_folder, named.path.file_name()) {
            (true, Some(name)) => min.output.join(name),
            _ => min.output.clone(),
        };
        let bytes = minimise(&objects, named.btf.target()?)
            .with_context(|| format!("{}", named.path.display()))?;
        write(&output, &bytes)?;
        files::print(&format!("{}: {} bytes\n", output.display(), bytes.len()))?;
    }
    Ok(true)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.is_dir() {
        let error = Error::invalid_input("a folder, for one file of BTF");
        return Err(error.context(path.display().to_string()));
    }
    std::fs::write(path, bytes).map_err(|error| Error::io(path, &error))
}
