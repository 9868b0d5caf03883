//! `trapline load`: objects into the running kernel.

use std::path::{Path, PathBuf};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use trapline_loader::attach::Link;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::Object;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

use crate::files;

mod assign;
mod outcome;
mod pin;
mod put;
mod report;

use assign::Assignment;
use outcome::Outcome;

/// Loads objects into the running kernel, one after the other.
///
/// Says for each program whether the verifier took it and what that cost:
/// instructions processed, states, stack, machine code, time. Needs root, or
/// CAP_BPF and CAP_PERFMON. Without --attach and --pin everything is gone again
/// when the program ends.
///
/// Exits with 1 when a program was refused, or could not be attached or pinned.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The objects.
    #[arg(required = true, value_name = "OBJ")]
    objects: Vec<PathBuf>,
    /// Attach each program where its section says, and stay until Ctrl-C.
    #[arg(long)]
    attach: bool,
    /// Pin maps, programs and links below this folder of a bpf file system, as
    /// OBJECT/maps/NAME and so on, and end: what is pinned stays. Maps that the
    /// object itself wants pinned by name go into the folder directly.
    #[arg(long, value_name = "DIR")]
    pin: Option<PathBuf>,
    /// Give a global variable another initial value. Integers are decimal or
    /// hexadecimal (0x10), or the name of an enumerator; bool takes true and
    /// false; arrays of char take text; anything else takes all its bytes in
    /// hexadecimal, as they lie in memory.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// Give a map another number of entries; for a ring buffer, of bytes.
    #[arg(long = "map", value_name = "NAME:entries=N", value_parser = assign::entries)]
    maps: Vec<(String, u32)>,
    /// A file with the kernel's BTF, for kernels that do not show their own.
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// One JSON object per line instead of a table.
    #[arg(long)]
    json: bool,
}

/// An object in the kernel, and what holds its programs in place.
struct Loaded {
    /// Each with the name of its program.
    links: Vec<(String, Link)>,
    object: Object,
}

/// Runs the subcommand; false where a program was refused or not attached.
///
/// # Errors
/// Objects that cannot be read, and names that no object has: before anything
/// is loaded.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let specs = prepare(arguments)?;
    // From before anything is attached: some attachments outlive a process that
    // is killed.
    let mut interrupts = match arguments.attach && arguments.pin.is_none() {
        true => Some(interrupts()?),
        false => None,
    };
    let mut kernel = match &arguments.btf {
        Some(path) => KernelBtf::from_file(path),
        None => KernelBtf::running(),
    };
    let mut is_good = true;
    let mut held = Vec::new();
    for spec in specs {
        let (outcomes, loaded) = put::put(spec, &mut kernel, arguments);
        is_good &= outcomes.iter().all(Outcome::is_good);
        held.extend(loaded);
        files::print(&match arguments.json {
            true => outcomes.iter().map(report::line).collect(),
            false => report::text(&outcomes),
        })?;
        if interrupts
            .as_mut()
            .is_some_and(|i| i.pending().next().is_some())
        {
            detach(held);
            return Ok(false);
        }
    }
    if let Some(dir) = &arguments.pin {
        return Ok(pin_all(dir, &mut held) && is_good);
    }
    let links: usize = held.iter().map(|loaded| loaded.links.len()).sum();
    if let (Some(interrupts), true) = (&mut interrupts, links > 0) {
        eprintln!("{links} attached; Ctrl-C detaches");
        interrupts.forever().next();
        is_good &= detach(held);
    }
    Ok(is_good)
}

/// Reads all objects and changes them as the command line says.
fn prepare(arguments: &Arguments) -> Result<Vec<ObjectSpec>> {
    let specs = arguments.objects.iter().map(|path| files::object(path));
    let mut specs: Vec<ObjectSpec> = specs.collect::<Result<_>>()?;
    for assignment in &arguments.set {
        assign::variable(&mut specs, assignment)?;
    }
    for (map, entries) in &arguments.maps {
        assign::map(&mut specs, map, *entries)?;
    }
    Ok(specs)
}

/// Pins every object and says where; false where one could not be.
fn pin_all(dir: &Path, held: &mut [Loaded]) -> bool {
    let mut is_good = true;
    for loaded in held {
        let object = loaded.object.name().to_owned();
        match pin::pin(dir, &loaded.object, &mut loaded.links) {
            Ok(()) => eprintln!("{object}: pinned below {}", dir.display()),
            Err(error) => {
                is_good = false;
                eprintln!("error: {:#}", error.context(format!("object {object}")));
            }
        }
    }
    is_good
}

/// Ctrl-C, and being told to end: from now on they are waited for.
fn interrupts() -> Result<Signals> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    signals.map_err(|error| Error::io(Path::new("signals"), &error))
}

/// Detaches everything and says so; false where something stayed behind.
fn detach(held: Vec<Loaded>) -> bool {
    let links = held.into_iter().flat_map(|loaded| loaded.links);
    let results: Vec<Result<()>> = links.map(|(_, link)| link.detach()).collect();
    let errors: Vec<&Error> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    for error in &errors {
        eprintln!("error: {error:#}");
    }
    eprintln!("{} detached", results.len() - errors.len());
    errors.is_empty()
}
