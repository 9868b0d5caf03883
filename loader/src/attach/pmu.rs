//! The kernel's event sources for probes, as perf events know them.

use crate::sys;
use std::path::Path;
use std::sync::OnceLock;

/// The PMU for kprobes or uprobes: its number, and the configuration bit for
/// return probes.
#[derive(Clone, Copy)]
pub(super) struct Pmu {
    pub(super) number: u32,
    pub(super) return_bit: u64,
}

impl Pmu {
    /// `None` before 4.17 and where /sys is not mounted.
    pub(super) fn kprobe() -> Option<Self> {
        static PMU: OnceLock<Option<Pmu>> = OnceLock::new();
        *PMU.get_or_init(|| read("/sys/bus/event_source/devices/kprobe"))
    }

    /// `None` before 4.17 and where /sys is not mounted.
    pub(super) fn uprobe() -> Option<Self> {
        static PMU: OnceLock<Option<Pmu>> = OnceLock::new();
        *PMU.get_or_init(|| read("/sys/bus/event_source/devices/uprobe"))
    }

    /// The event's configuration without what is special to uprobes.
    pub(super) fn config(self, on_return: bool) -> u64 {
        if on_return { self.return_bit } else { 0 }
    }
}

fn read(folder: &str) -> Option<Pmu> {
    let read = |name: &str| sys::read_small(&Path::new(folder).join(name), 256).ok();
    Some(Pmu {
        number: read("type")?.trim().parse().ok()?,
        return_bit: config_bit(&read("format/retprobe")?)?,
    })
}

/// The mask of a format file such as `config:0`.
fn config_bit(format: &str) -> Option<u64> {
    let bit: u32 = format.trim().strip_prefix("config:")?.parse().ok()?;
    1u64.checked_shl(bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_bit_comes_from_the_format_file() {
        assert_eq!(config_bit("config:0\n"), Some(1));
        assert_eq!(config_bit("config:5"), Some(32));
    }

    #[test]
    fn an_unknown_format_is_no_bit() {
        for format in ["", "config", "config1:0", "config:64", "config:0-3"] {
            assert_eq!(config_bit(format), None, "{format:?}");
        }
    }
}
