//! Durations as people write them.

use std::time::Duration;

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// `90s`, `15m`, `1h30m`, `2d`: numbers with units, the largest first.
///
/// ```
/// # use std::time::Duration;
/// use trapline_sensors::isolate::duration;
///
/// assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(duration("30m1h").is_err());
/// ```
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration such as 90s, 15m, 1h30m or 2d");
    let mut seconds = 0_u64;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, after) = rest.split_at(end);
        let unit = after.chars().next().ok_or_else(wrong)?;
        let (_, each) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let more = number.checked_mul(*each).ok_or_else(wrong)?;
        seconds = seconds.checked_add(more).ok_or_else(wrong)?;
        rest = after.get(1..).unwrap_or_default();
    }
    match seconds {
        0 => Err(wrong()),
        // The kernel counts nanoseconds.
        1..=1_000_000_000 => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} is more than thirty years")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_added_up() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_an_error() {
        for text in [
            "",
            "0s",
            "5",
            "m",
            "-1m",
            "1.5h",
            "30m1h",
            "1h1h",
            "1w",
            "9ü",
            "99999999999999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
