//! Uprobes and uretprobes: through the uprobe PMU, else through tracefs.

use super::binary::{Binary, find_file};
use super::link::{Link, Part, Traced};
use super::pmu::Pmu;
use super::tracefs::{Control, ProbeEvent, ProbeKind};
use super::{AttachOptions, Rung, perf};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The reference counter's offset lies in the upper half of the configuration.
const REF_CTR_SHIFT: u32 = 32;

/// How to attach to a function of a user program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UprobeOptions {
    /// The function, with its version where several have it:
    /// `memcpy@GLIBC_2.14`. Empty for a place in the file.
    pub function: String,
    /// Bytes into the function, or into the file.
    pub offset_bytes: u64,
    /// When the function returns, not when it is entered.
    pub on_return: bool,
    /// One process alone, 0 for this one; `None` for all. A thread's number is
    /// taken for its process.
    pub pid: Option<i32>,
    /// The byte in the file of a counter that is raised while the probe is
    /// there: a static probe's semaphore. 0 for none. Kernel: 4.20
    pub ref_ctr_offset: u64,
    /// What `bpf_get_attach_cookie` gives the program; 0 for none.
    /// Kernel: 5.15
    pub cookie: u64,
    /// The best way to try.
    pub rung: Rung,
}

/// One place in a file, and how to attach to it.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) offset: u64,
    pub(super) ref_ctr_offset: u64,
    pub(super) on_return: bool,
    pub(super) pid: Option<i32>,
}

impl Program {
    /// Attaches a uprobe program to a place in `binary`: a path, or a bare name
    /// that is looked for where programs and libraries mostly are. A function
    /// may be one of an archive's member, `/data/app.apk!/lib/a.so`, which has to
    /// be stored there as it is; a place alone is one in the archive.
    ///
    /// # Errors
    /// `NotFound` for a binary or function that is not there, `InvalidInput`
    /// for a function that is there several times, `Malformed` for a broken
    /// binary; `Unsupported` for a cookie or a reference counter on kernels
    /// without; what the kernel says otherwise.
    ///
    /// Kernel: 4.3
    pub fn attach_uprobe(&self, binary: &str, options: &UprobeOptions) -> Result<Link> {
        attach(self, binary, options).with_context(|| self.context())
    }
}

pub(super) fn attach(program: &Program, binary: &str, options: &UprobeOptions) -> Result<Link> {
    let file = find_file(binary)?;
    let mut offset = options.offset_bytes;
    if !options.function.is_empty() {
        let function = Binary::open(&file).and_then(|binary| {
            let found = binary.functions(&[&options.function])?;
            Ok(found.first().copied().unwrap_or_default())
        });
        let function = function.with_context(|| format!("binary {file}"))?;
        let past = || Error::invalid_input(format!("{offset} bytes past {}", options.function));
        offset = offset.checked_add(function).ok_or_else(past)?;
    } else if offset == 0 {
        return Err(Error::invalid_input(
            "neither a function nor an offset in the binary",
        ));
    }
    let place = Place {
        path: &file.path,
        offset,
        ref_ctr_offset: options.ref_ctr_offset,
        on_return: options.on_return,
        pid: options.pid,
    };
    let attach = AttachOptions {
        cookie: options.cookie,
        rung: options.rung,
    };
    let (part, how) = attach_at(program, &place, &attach)?;
    Ok(Link::from_parts(vec![part], how))
}

/// Attaches to one place; says how.
pub(super) fn attach_at(
    program: &Program,
    place: &Place<'_>,
    options: &AttachOptions,
) -> Result<(Part, &'static str)> {
    let attached = match Pmu::uprobe() {
        Some(pmu) if options.rung < Rung::Tracefs => through_pmu(program, place, pmu, options),
        _ => through_tracefs(program, place, options),
    };
    attached.with_context(|| {
        let kind = if place.on_return {
            "uretprobe"
        } else {
            "uprobe"
        };
        format!(
            "{kind} at byte {:#x} of {}",
            place.offset,
            place.path.display()
        )
    })
}

fn through_pmu(
    program: &Program,
    place: &Place<'_>,
    pmu: Pmu,
    options: &AttachOptions,
) -> Result<(Part, &'static str)> {
    let path = CString::new(place.path.as_os_str().as_bytes())
        .map_err(|_| Error::invalid_input("a path with a NUL inside"))?;
    if place.ref_ctr_offset >> REF_CTR_SHIFT != 0 {
        let offset = place.ref_ctr_offset;
        let cause = format!("a reference counter at byte {offset:#x}, past 4 GiB");
        return Err(Error::invalid_input(cause));
    }
    let probe = sys::Probe {
        pmu_type: pmu.number,
        config: pmu.config(place.on_return) | place.ref_ctr_offset << REF_CTR_SHIFT,
        name: &path,
        offset_bytes: place.offset,
        pid: place.pid,
    };
    let event = sys::perf_event_open_probe(&probe);
    let event = event.map_err(|errno| explain(errno, "perf_event_open"))?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, options)?;
    let how = match (place.on_return, is_link) {
        (false, true) => "uprobe/link",
        (false, false) => "uprobe/ioctl",
        (true, true) => "uretprobe/link",
        (true, false) => "uretprobe/ioctl",
    };
    Ok((Part::of_event(fd, is_link), how))
}

fn through_tracefs(
    program: &Program,
    place: &Place<'_>,
    options: &AttachOptions,
) -> Result<(Part, &'static str)> {
    let kind = match place.on_return {
        false => ProbeKind::Entry,
        true => ProbeKind::Return { max_active: 0 },
    };
    let probe = ProbeEvent::create(Control::Uprobes, kind, &definition(place)?)?;
    let probe = probe.map_err(|errno| explain(errno, "uprobe_events"))?;
    let event = probe.open(place.pid)?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, options)?;
    let how = match place.on_return {
        false => "uprobe/tracefs",
        true => "uretprobe/tracefs",
    };
    Ok((Part::Traced(Traced { fd, is_link, probe }), how))
}

/// The place of a probe as uprobe_events takes it: `PATH:OFFSET(COUNTER)`.
fn definition(place: &Place<'_>) -> Result<String> {
    let path = place.path.to_str().filter(|path| {
        // The kernel cuts the line at spaces, and has no quoting.
        !path.is_empty() && !path.contains(|c: char| c.is_whitespace() || c.is_control())
    });
    let Some(path) = path else {
        let path = place.path.display();
        let cause = format!("tracefs cannot take the path {path}");
        return Err(Error::invalid_input(cause));
    };
    let offset = place.offset;
    Ok(match place.ref_ctr_offset {
        0 => format!("{path}:{offset:#x}"),
        counter => format!("{path}:{offset:#x}({counter:#x})"),
    })
}

/// What the kernel's refusal of a probe means.
fn explain(errno: Errno, what: &str) -> Error {
    match errno {
        Errno::NOENT => Error::not_found("no such file"),
        Errno::INVAL | Errno::OPNOTSUPP => errno.error(format_args!(
            "{what}: no instruction begins there, it cannot be probed, or the file is none to run"
        )),
        Errno::SRCH => Error::not_found("no such process"),
        errno => errno.error(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, ref_ctr_offset: u64) -> Place<'_> {
        Place {
            path: Path::new(path),
            offset: 0x40,
            ref_ctr_offset,
            on_return: false,
            pid: None,
        }
    }

    #[test]
    fn definitions_follow_the_kernels_grammar() {
        assert_eq!(definition(&place("/bin/sh", 0)).unwrap(), "/bin/sh:0x40");
        let counted = definition(&place("/bin/sh", 0x10)).unwrap();
        assert_eq!(counted, "/bin/sh:0x40(0x10)");
    }

    #[test]
    fn a_path_that_could_smuggle_in_a_command_is_refused() {
        for path in ["", "/a b", "/a\n-:x/y", "/a\tb"] {
            assert!(definition(&place(path, 0)).is_err(), "{path:?}");
        }
    }
}
