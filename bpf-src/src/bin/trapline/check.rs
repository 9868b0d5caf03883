//! `trapline check`: will these objects load there?

use std::path::PathBuf;

use trapline_loader::Result;

use crate::files;

mod examine;
mod lines;
mod report;

use examine::Examined;

/// Says what objects need and whether kernels' types have it: no privileges, no
/// kernel.
///
/// Tells the features that an object uses and since when kernels have them; how
/// each CO-RE relocation ends against each BTF; and which functions and
/// tracepoints that programs attach to are missing there. An absent field is no
/// fault where the program asks for it first, with bpf_core_field_exists for
/// example: then the read cannot be reached, and it is listed as guarded.
///
/// Exits with 1 when an object cannot be read, or when a program that is loaded
/// by itself could reach an absent field, has a relocation that fails, or has no
/// hook.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The objects.
    #[arg(required = true, value_name = "OBJ")]
    objects: Vec<PathBuf>,
    /// Kernels' BTF: raw, or in an ELF file, or a folder of such files. Without,
    /// the running kernel's.
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    btf: Vec<PathBuf>,
    /// List every relocation, not only those without an answer.
    #[arg(long)]
    all: bool,
    /// One JSON object per line instead of tables.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand; false where something will not load.
///
/// # Errors
/// BTF that cannot be read.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let mut btfs = files::btfs(&arguments.btf)?;
    let mut is_good = true;
    for path in &arguments.objects {
        let spec = match files::object(path) {
            Ok(spec) => spec,
            Err(error) => {
                is_good = false;
                match arguments.json {
                    true => files::print(&lines::error(&path.display().to_string(), &error))?,
                    false => eprintln!("error: {error:#}"),
                }
                continue;
            }
        };
        let mut kernels = Vec::new();
        for named in &mut btfs {
            kernels.push(Examined::new(&spec, named)?);
        }
        is_good &= kernels.iter().all(Examined::is_good);
        files::print(&match arguments.json {
            true => lines::text(&spec, &kernels),
            false => report::text(&spec, &kernels, arguments.all),
        })?;
    }
    Ok(is_good)
}
