//! The clock that the programs read.

use std::fs;
use std::path::Path;

use trapline_loader::{Error, Result};

const UPTIME: &str = "/proc/uptime";
const OFFSETS: &str = "/proc/self/timens_offsets";
const NS_PER_SECOND: i128 = 1_000_000_000;

/// `CLOCK_BOOTTIME` of the host, which a time namespace may show otherwise; in
/// nanoseconds, exact to ten milliseconds.
///
/// # Errors
/// Without a readable /proc.
pub(crate) fn boot_ns() -> Result<u64> {
    let text = fs::read_to_string(UPTIME).map_err(|error| Error::io(Path::new(UPTIME), &error))?;
    let shown = uptime_ns(&text).ok_or_else(|| Error::malformed(format!("{UPTIME}: {text}")))?;
    // Older kernels have no such file and no such namespace.
    let offset = fs::read_to_string(OFFSETS).map_or(0, |text| offset_ns(&text));
    Ok(u64::try_from(shown - offset).unwrap_or(0))
}

/// `123.45 67.89`
fn uptime_ns(text: &str) -> Option<i128> {
    let (seconds, rest) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: i128 = rest.parse().ok().filter(|_| rest.len() == 2)?;
    Some(seconds.parse::<i128>().ok()? * NS_PER_SECOND + hundredths * (NS_PER_SECOND / 100))
}

/// Lines such as `boottime  SECONDS  NANOSECONDS`.
fn offset_ns(text: &str) -> i128 {
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == "boottime")?;
        let (seconds, ns): (i128, i128) =
            (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(seconds * NS_PER_SECOND + ns)
    };
    text.lines().find_map(parse).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_boot_is_read_with_its_offset() {
        assert_eq!(uptime_ns("12.34 5.67\n"), Some(12_340_000_000));
        assert_eq!(uptime_ns("12 5.67\n"), None);
        assert_eq!(offset_ns("monotonic 1 2\nboottime 3 4\n"), 3_000_000_004);
        assert_eq!(offset_ns(""), 0);
        assert!(boot_ns().unwrap() > 0);
    }
}
