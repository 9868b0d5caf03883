//! Uprobes at many places of one binary by one link.

use super::binary::{Binary, find_file};
use super::lacking::refused;
use super::link::Link;
use super::many::{Many, one_each};
use super::pattern;
use crate::error::{Error, Result, ResultExt};
use crate::feature;
use crate::program::Program;
use crate::sys::{self, Errno, LinkArgs, LinkCreate, LinkTarget};
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

/// `BPF_TRACE_UPROBE_MULTI`.
pub(crate) const UPROBE_MULTI: u32 = 48;
const UPROBES: Many = Many {
    attach_type: UPROBE_MULTI,
    session: 57,
    names: ["uprobe.multi", "uretprobe.multi", "uprobe.session"],
};
/// `BPF_F_UPROBE_MULTI_RETURN`.
const ON_RETURN: u32 = 1;

/// Places in a binary.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Places<'a> {
    /// All functions that fit: `*` stands for any letters, `?` for one.
    Pattern(&'a str),
    /// These functions, as in [`UprobeOptions`](super::UprobeOptions).
    Functions(&'a [&'a str]),
    /// These bytes of the file.
    Offsets(&'a [u64]),
}

/// How to attach to many places of a binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UprobeMultiOptions {
    /// When the functions return, not when they are entered. A session, which
    /// its section says, is on both.
    pub on_return: bool,
    /// One process alone, 0 for this one; `None` for all.
    pub pid: Option<i32>,
    /// What `bpf_get_attach_cookie` gives at each place: none, or one for each.
    pub cookies: Vec<u64>,
    /// Reference counters, see [`UprobeOptions`](super::UprobeOptions): none,
    /// or one for each place.
    pub ref_ctr_offsets: Vec<u64>,
}

impl Program {
    /// Attaches a uprobe.multi or uprobe.session program to many places of
    /// `binary`, as in [`Program::attach_uprobe`].
    ///
    /// # Errors
    /// `NotFound` for what is not there; `InvalidInput` for another number of
    /// cookies or counters than places, or for either with a pattern;
    /// `Unsupported` for kernels without; what the kernel says otherwise.
    ///
    /// Kernel: 6.6, sessions since 6.13
    pub fn attach_uprobe_multi(
        &self,
        binary: &str,
        places: &Places<'_>,
        options: &UprobeMultiOptions,
    ) -> Result<Link> {
        attach(self, binary, places, options).with_context(|| self.context())
    }
}

/// Does the kernel have such links, and take a process for more than its first
/// thread?
///
/// It is asked once, for a probe in a folder, which is no binary: EBADF. The
/// kernels that look for the process first say EINVAL to one that cannot be.
///
/// Kernel: 6.6, for processes 6.10
/// (<https://git.kernel.org/torvalds/c/46ba0e49b642>)
pub(crate) fn is_complete() -> bool {
    static IS_COMPLETE: OnceLock<bool> = OnceLock::new();
    *IS_COMPLETE.get_or_init(|| {
        let Ok(program) = feature::kprobe_program(UPROBE_MULTI) else {
            return false;
        };
        let refusal = |pid| {
            let link = LinkCreate {
                prog: program.as_fd(),
                target: LinkTarget::None,
                attach_type: UPROBE_MULTI,
                flags: 0,
                args: LinkArgs::UprobeMulti {
                    flags: 0,
                    path: c"/",
                    offsets: &[0],
                    ref_ctr_offsets: &[],
                    cookies: &[],
                    pid,
                },
            };
            sys::link_create(&link).err()
        };
        refusal(0) == Some(Errno::BADF) && refusal(u32::MAX) == Some(Errno::INVAL)
    })
}

pub(super) fn attach(
    program: &Program,
    binary: &str,
    places: &Places<'_>,
    options: &UprobeMultiOptions,
) -> Result<Link> {
    let file = find_file(binary)?;
    let is_each = !options.cookies.is_empty() || !options.ref_ctr_offsets.is_empty();
    let find = || match places {
        Places::Pattern("") => Err(Error::invalid_input("the section names no function")),
        Places::Pattern(_) if is_each => Err(Error::invalid_input(
            "cookies and counters need functions or offsets, not a pattern",
        )),
        Places::Pattern(text) if pattern::is_pattern(text) => {
            Binary::open(&file)?.functions_like(text)
        }
        Places::Pattern(name) => Binary::open(&file)?.functions(&[name]),
        Places::Functions(names) => Binary::open(&file)?.functions(names),
        Places::Offsets(offsets) => Ok(offsets.to_vec()),
    };
    let offsets = find().with_context(|| format!("binary {file}"))?;
    attach_at(program, &file.path, &offsets, options)
}

/// Attaches to bytes of a file.
pub(super) fn attach_at(
    program: &Program,
    path: &Path,
    offsets: &[u64],
    options: &UprobeMultiOptions,
) -> Result<Link> {
    one_each(&options.cookies, "cookies", offsets.len())?;
    one_each(&options.ref_ctr_offsets, "counters", offsets.len())?;
    let path = CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::invalid_input("a path with a NUL inside"))?;
    let (attach_type, how) = UPROBES.of(program, options.on_return);
    let pid = match options.pid {
        Some(0) => std::process::id(),
        Some(pid) => {
            u32::try_from(pid).map_err(|_| Error::invalid_input(format!("{pid} is no process")))?
        }
        None => 0,
    };
    let link = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::None,
        attach_type,
        flags: 0,
        args: LinkArgs::UprobeMulti {
            flags: if options.on_return { ON_RETURN } else { 0 },
            path: &path,
            offsets,
            ref_ctr_offsets: &options.ref_ctr_offsets,
            cookies: &options.cookies,
            pid,
        },
    };
    let created = sys::link_create(&link);
    let fd = created.map_err(|errno| refused(errno, attach_type, how))?;
    Ok(Link::new(fd, how))
}
