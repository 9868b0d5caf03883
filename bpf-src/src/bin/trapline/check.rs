//! `trapline check`: what does this kernel have, and will these objects load there?

use std::path::PathBuf;

use trapline_loader::Result;

use crate::files;

mod examine;
mod kernel;
mod lines;
mod report;

use examine::Examined;

/// Says what this kernel has and what would be used of it; or, given objects, what
/// they need and whether kernels' types have it.
///
/// Without objects: the kernel's types, the way events come through, how each hook
/// would be attached, what isolation would use, and what the kernel was built without,
/// with the consequence. Nothing is attached. Without privileges it tells what types,
/// configuration and files say, and what it could not see.
///
/// With objects, no privileges and no kernel are needed. Tells the features that an
/// object uses and since when kernels have them; how each CO-RE relocation ends against
/// each BTF; and which functions and tracepoints that programs attach to are missing
/// there. An absent field is no fault where the program asks for it first, with
/// bpf_core_field_exists for example: then the read cannot be reached, and it is listed
/// as guarded.
///
/// Exits with 1 when the sensors will not load on this kernel; with objects, when one
/// cannot be read, or when a program that is loaded by itself could reach an absent
/// field, has a relocation that fails, or has no hook.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The objects; none: this kernel.
    #[arg(value_name = "OBJ")]
    objects: Vec<PathBuf>,
    /// Kernels' BTF: raw, or in an ELF file, or a folder of such files. Without,
    /// the running kernel's.
    #[arg(long, value_name = "FILE|DIR", num_args = 1.., requires = "objects")]
    btf: Vec<PathBuf>,
    /// List every relocation, hook and option, not only those without an answer.
    #[arg(long)]
    all: bool,
    /// JSON instead of tables: one object for this kernel, as schema/check.schema.json
    /// describes it; with objects, one per line.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand; false where something will not load.
///
/// # Errors
/// BTF that cannot be read.
pub fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.objects.is_empty() {
        return kernel::run(arguments.json, arguments.all);
    }
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
