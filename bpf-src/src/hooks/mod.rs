//! Which programs report what, in which flavour.
//!
//! The lists, one for each family, have to agree with the `SEC` lines of
//! `c/*.bpf.c`; a test compares them with the programs of the compiled objects.

mod file;
mod mount;
mod network;
mod process;

pub(crate) use file::{FILE, FILE_ARGUMENTS};
pub(crate) use mount::MOUNT;
pub(crate) use network::{NETWORK, NETWORK_ARGUMENTS};
pub(crate) use process::PROCESS;

/// One thing that the sensors watch, and the programs for it. Programs of one
/// flavour belong together: all of them, or the other flavour.
#[derive(Debug)]
pub(crate) struct Hook {
    /// What it watches, for errors.
    pub(crate) name: &'static str,
    /// With typed arguments, in the order in which they are attached: what
    /// waits for something is attached before what sends it there.
    pub(crate) fentry: &'static [&'static str],
    /// The same by kprobes.
    pub(crate) kprobe: &'static [&'static str],
    /// A program that is attached to where the functions of `kprobe` return;
    /// several hooks may share one, which is then loaded once.
    pub(crate) kretprobe: Option<&'static str>,
    /// Whether a kernel without these functions is fit for use. There is no
    /// 32-bit execve to watch on a kernel that was built without it.
    pub(crate) required: bool,
}

impl Hook {
    /// Its programs in both flavours.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &'static str> {
        let kprobe = self.kprobe.iter().chain(&self.kretprobe);
        self.fentry.iter().chain(kprobe).copied()
    }
}

/// Where a kernel function has one of its arguments, which differs between
/// kernels: looked up in the kernel's BTF by the parameter's name, and told to
/// the object as the constant `FUNCTION__PARAMETER`; how many it has, which is
/// where fexit finds the result, as `FUNCTION__result`.
#[derive(Debug)]
pub(crate) struct Argument {
    /// The kernel function.
    pub(crate) function: &'static str,
    /// The parameter.
    pub(crate) parameter: &'static str,
}

/// No parameter: only the result is looked for.
const RESULT: &str = "result";

const fn argument(function: &'static str, parameter: &'static str) -> Argument {
    Argument {
        function,
        parameter,
    }
}

/// A hook that no kernel can do without, each program attached to what its own
/// section names.
const fn required(
    name: &'static str,
    fentry: &'static [&'static str],
    kprobe: &'static [&'static str],
) -> Hook {
    Hook {
        name,
        fentry,
        kprobe,
        kretprobe: None,
        required: true,
    }
}

/// As [`required`], for functions that only some kernels have.
const fn where_present(
    name: &'static str,
    fentry: &'static [&'static str],
    kprobe: &'static [&'static str],
) -> Hook {
    Hook {
        required: false,
        ..required(name, fentry, kprobe)
    }
}
