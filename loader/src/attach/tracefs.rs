//! tracefs: tracepoint ids, and kprobes made by writing to a file.

use super::kprobe::{Target, explain};
use crate::error::{Error, Result};
use crate::sys::{self, Errno};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::path::{Path, PathBuf};

/// The group of all our probes.
const GROUP: &str = "trapline";

/// Names are tried until one is free: a process with our number may have died
/// and left its own behind.
const NAME_ATTEMPTS: u32 = 64;

/// tracefs, wherever it is mounted; looking into debugfs mounts it there.
fn root() -> Result<&'static Path> {
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

/// A kprobe made through tracefs; removed on drop.
#[derive(Debug)]
pub(super) struct ProbeEvent {
    control: PathBuf,
    name: String,
    removed: bool,
}

impl ProbeEvent {
    /// Makes the probe, under a name that nobody else has.
    pub(super) fn create(target: &Target) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let control = root()?.join("kprobe_events");
        for _ in 0..NAME_ATTEMPTS {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("trapline_{}_{count}", std::process::id());
            match sys::append(&control, &definition(&name, target)?) {
                Ok(()) => {
                    return Ok(Self {
                        control,
                        name,
                        removed: false,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(explain(errno, "kprobe_events", target)),
            }
        }
        Err(Errno::EXIST.error(format_args!(
            "{} names in a row in kprobe_events",
            NAME_ATTEMPTS
        )))
    }

    /// The probe's tracepoint id.
    pub(super) fn id(&self) -> Result<u64> {
        event_id(GROUP, &self.name)
    }

    /// How often the probe was hit without running.
    pub(super) fn missed(&self) -> Result<u64> {
        const PROFILE_LIMIT_BYTES: u64 = 16 << 20;
        let path = self.control.with_file_name("kprobe_profile");
        let profile = sys::read_small(&path, PROFILE_LIMIT_BYTES);
        let profile = profile.map_err(|errno| errno.error(path.display()))?;
        missed_in(&profile, &self.name).ok_or_else(|| {
            Error::not_found(format!("{} says nothing of {}", path.display(), self.name))
        })
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
            match sys::append(&self.control, &line) {
                Ok(()) => return Ok(()),
                // The event that was closed just before may not be gone yet.
                Err(Errno::BUSY) if attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(errno) => {
                    let what = format_args!("removing {GROUP}/{} from kprobe_events", self.name);
                    return Err(errno.error(what));
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

/// The line that defines a probe.
fn definition(name: &str, target: &Target) -> Result<String> {
    let function = &target.function;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.$:".contains(c);
    if function.is_empty() || !function.chars().all(legal) {
        return Err(Error::invalid_input(format!(
            "{function:?} is no function name"
        )));
    }
    let kind = if target.on_return { 'r' } else { 'p' };
    let offset = match target.offset_bytes {
        0 => String::new(),
        bytes => format!("+{bytes}"),
    };
    Ok(format!("{kind}:{GROUP}/{name} {function}{offset}"))
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
    fn definitions_follow_the_kernels_grammar() {
        let entry = definition("n", &Target::entry("vfs_read", 4)).unwrap();
        assert_eq!(entry, "p:trapline/n vfs_read+4");
        let ret = definition("n", &Target::ret("do_exit.isra.0")).unwrap();
        assert_eq!(ret, "r:trapline/n do_exit.isra.0");
    }

    #[test]
    fn a_name_that_could_smuggle_in_a_command_is_refused() {
        for name in ["", "a b", "a\n-:x/y", "a;b"] {
            assert!(definition("n", &Target::ret(name)).is_err(), "{name:?}");
        }
    }

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
    fn misses_are_read_from_the_profile() {
        let profile = "  trapline_1_0      7      0\n  trapline_1_10     3      42\n";
        assert_eq!(missed_in(profile, "trapline_1_10"), Some(42));
        assert_eq!(missed_in(profile, "trapline_1_1"), None);
        assert_eq!(missed_in("trapline_1_1", "trapline_1_1"), None);
    }
}
