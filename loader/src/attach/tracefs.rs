//! tracefs: tracepoint ids, and probes made by writing to a file.

use crate::error::{Error, Result};
use crate::sys::{self, Errno};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The group of all our probes.
const GROUP: &str = "trapline";

/// Names are tried until one is free: a process with our number may have died
/// and left its own behind.
const NAME_ATTEMPTS: u32 = 64;

/// tracefs, wherever it is mounted; looking into debugfs mounts it there.
pub(super) fn root() -> Result<&'static Path> {
    ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
        .map(Path::new)
        .into_iter()
        .find(|root| root.join("events").exists())
        .ok_or_else(|| {
            Error::not_found(
                "tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing)",
            )
        })
}

/// The id of a tracepoint for perf_event_open.
///
/// # Errors
/// `NotFound` for an unknown tracepoint or without tracefs.
pub(super) fn event_id(category: &str, name: &str) -> Result<u64> {
    let plain = |part: &str| !part.is_empty() && part != ".." && !part.contains('/');
    if !plain(category) || !plain(name) {
        return Err(Error::invalid_input(format!(
            "no tracepoint has the name {category}/{name}"
        )));
    }
    let path = root()?.join("events").join(category).join(name).join("id");
    match sys::read_small(&path, 64) {
        Ok(text) => text.trim().parse().map_err(|_| {
            Error::malformed(format!(
                "{} is not a number: {:?}",
                path.display(),
                text.trim()
            ))
        }),
        Err(Errno::NOENT) => Err(Error::not_found(format!(
            "the kernel has no tracepoint {category}/{name}"
        ))),
        Err(errno) => Err(errno.error(path.display())),
    }
}

/// The file that a kind of probe is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Kprobes,
    Uprobes,
}

impl Control {
    fn file(self) -> &'static str {
        match self {
            Self::Kprobes => "kprobe_events",
            Self::Uprobes => "uprobe_events",
        }
    }
}

/// The files of a kind of probe, open for as long as there is one of ours: who has made
/// a probe may give up what it takes to open them before it removes it.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    control: File,
    /// Of kprobes: how often each was hit, and missed.
    profile: Option<(PathBuf, File)>,
}

impl Files {
    /// Those that are open, or opens them.
    fn of(control: Control) -> Result<Result<Arc<Self>, Errno>> {
        static OPEN: [Mutex<Weak<Files>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
        let [kprobes, uprobes] = &OPEN;
        let open = match control {
            Control::Kprobes => kprobes,
            Control::Uprobes => uprobes,
        };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = open.upgrade() {
            return Ok(Ok(files));
        }
        let files = Self::open(root()?.join(control.file()), control);
        Ok(files.map(|files| {
            let files = Arc::new(files);
            *open = Arc::downgrade(&files);
            files
        }))
    }

    fn open(path: PathBuf, control: Control) -> Result<Self, Errno> {
        let profile = match control {
            Control::Kprobes => {
                let path = path.with_file_name("kprobe_profile");
                let file = sys::open_read(&path)?;
                Some((path, file))
            }
            // A uprobe is never missed, and its profile has no such column.
            Control::Uprobes => None,
        };
        Ok(Self {
            control: sys::open_append(&path)?,
            path,
            profile,
        })
    }
}

/// When a probe runs its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbeKind {
    /// When its place is reached.
    Entry,
    /// When the function returns.
    Return {
        /// Of how many calls at once; 0: the kernel's choice.
        max_active: u32,
    },
}

impl ProbeKind {
    /// As kprobe_events and uprobe_events take it.
    fn letter(self) -> String {
        match self {
            Self::Entry => "p".to_owned(),
            Self::Return { max_active: 0 } => "r".to_owned(),
            Self::Return { max_active } => format!("r{max_active}"),
        }
    }
}

/// A probe made through tracefs; removed on drop.
#[derive(Debug)]
pub(super) struct ProbeEvent {
    files: Arc<Files>,
    name: String,
    removed: bool,
}

impl ProbeEvent {
    /// Makes a probe at a place in the kernel's grammar, under a name that
    /// nobody else has. The inner result is the kernel's answer.
    pub(super) fn create(
        control: Control,
        kind: ProbeKind,
        place: &str,
    ) -> Result<Result<Self, Errno>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let files = match Files::of(control)? {
            Ok(files) => files,
            Err(errno) => return Ok(Err(errno)),
        };
        let kind = kind.letter();
        for _ in 0..NAME_ATTEMPTS {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("trapline_{}_{count}", std::process::id());
            let line = format!("{kind}:{GROUP}/{name} {place}");
            match sys::append(&files.control, &line) {
                Ok(()) => {
                    return Ok(Ok(Self {
                        files,
                        name,
                        removed: false,
                    }));
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Ok(Err(errno)),
            }
        }
        Err(Errno::EXIST.error(format_args!(
            "{NAME_ATTEMPTS} names in a row in {}",
            files.path.display()
        )))
    }

    /// Opens the probe's perf event, for one process or for all.
    pub(super) fn open(&self, pid: Option<i32>) -> Result<OwnedFd> {
        let id = event_id(GROUP, &self.name)?;
        let opened = sys::perf_event_open_tracepoint(id, pid);
        opened.map_err(|errno| errno.error("perf_event_open"))
    }

    /// How often the probe was hit without running.
    pub(super) fn missed(&self) -> Result<Option<u64>> {
        const PROFILE_LIMIT_BYTES: usize = 16 << 20;
        let Some((path, profile)) = &self.files.profile else {
            return Ok(None);
        };
        let profile = sys::read_again(profile, PROFILE_LIMIT_BYTES);
        let profile = profile.map_err(|errno| errno.error(path.display()))?;
        let missed = missed_in(&profile, &self.name).ok_or_else(|| {
            Error::not_found(format!("{} says nothing of {}", path.display(), self.name))
        })?;
        Ok(Some(missed))
    }

    /// Removes the probe, and says if that failed.
    pub(super) fn remove(mut self) -> Result<()> {
        self.removed = true;
        self.try_remove()
    }

    fn try_remove(&self) -> Result<()> {
        const ATTEMPTS: u32 = 10;
        let line = format!("-:{GROUP}/{}", self.name);
        let mut attempt = 1;
        loop {
            match sys::append(&self.files.control, &line) {
                Ok(()) => return Ok(()),
                // The event that was closed just before may not be gone yet.
                Err(Errno::BUSY) if attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(errno) => {
                    let (name, control) = (&self.name, self.files.path.display());
                    return Err(errno.error(format_args!("removing {GROUP}/{name} from {control}")));
                }
            }
        }
    }
}

impl Drop for ProbeEvent {
    fn drop(&mut self) {
        if !self.removed {
            // `Link::detach` is the way to hear of a failure.
            let _ = self.try_remove();
        }
    }
}

/// The misses of one probe in kprobe_profile: name, hits, misses.
fn missed_in(profile: &str, name: &str) -> Option<u64> {
    profile.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == name)
            .then(|| words.nth(1)?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracepoint_names_stay_inside_tracefs() {
        for (category, name) in [
            ("", "x"),
            ("x", ""),
            ("..", "x"),
            ("a/b", "c"),
            ("a", "../b"),
        ] {
            let error = event_id(category, name).unwrap_err();
            assert!(
                error.to_string().starts_with("no tracepoint has"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_return_says_of_how_many_calls_at_once() {
        let of = |max_active| ProbeKind::Return { max_active }.letter();
        assert_eq!((&*of(0), &*of(512)), ("r", "r512"));
        assert_eq!(ProbeKind::Entry.letter(), "p");
    }

    #[test]
    fn misses_are_read_from_the_profile() {
        let profile = "  trapline_1_0      7      0\n  trapline_1_10     3      42\n";
        assert_eq!(missed_in(profile, "trapline_1_10"), Some(42));
        assert_eq!(missed_in(profile, "trapline_1_1"), None);
        assert_eq!(missed_in("trapline_1_1", "trapline_1_1"), None);
    }
}
