//! A kernel series: the two numbers by which the matrix names its columns.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use serde::{Deserialize, Deserializer};

/// A kernel series such as 5.10 or 7.3.
///
/// Ordered as numbers, so that 5.10 < 6.1 < 6.12 < 7.3; prints as `6.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    major: u16,
    minor: u16,
}

impl Series {
    /// The series `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The series of a Debian version or of a `uname -r`: the first two
    /// numbers of `6.12.117-1~deb12u1` and of `6.1.0-56-cloud-amd64`.
    ///
    /// # Errors
    /// When the text does not begin with two numbers and a dot between them.
    pub fn of_version(version: &str) -> Result<Self> {
        let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
        let mut numbers = upstream.splitn(3, '.');
        let major = numbers.next().unwrap_or_default();
        let minor = numbers.next().unwrap_or_default();
        let end = minor.find(|c: char| !c.is_ascii_digit());
        format!("{major}.{}", &minor[..end.unwrap_or(minor.len())])
            .parse()
            .with_context(|| format!("version `{version}` names no kernel series"))
    }

    /// The series after it, whether there is one or not: 6.13 after 6.12.
    pub const fn next(self) -> Self {
        Self::new(self.major, self.minor.saturating_add(1))
    }

    /// How test rows of this series begin: `k6_12`.
    pub fn row_prefix(self) -> String {
        format!("k{}_{}", self.major, self.minor)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.major, self.minor))
    }
}

impl FromStr for Series {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |part: &str| -> Option<u16> {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            // `6.01` would print as `6.1`: one name for one series.
            let canonical = part == "0" || !part.starts_with('0');
            (plain && canonical).then(|| part.parse().ok()).flatten()
        };
        let parts = text.split_once('.');
        match parts.map(|(major, minor)| (number(major), number(minor))) {
            Some((Some(major), Some(minor))) => Ok(Self::new(major, minor)),
            _ => bail!("`{text}` is not a kernel series; one looks like 6.12"),
        }
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_order_as_numbers_not_as_text() {
        let sorted: Vec<Series> = ["5.10", "6.1", "6.12", "7.3"]
            .iter()
            .map(|s| s.parse().unwrap())
            .collect();
        assert!(sorted.is_sorted() && sorted.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn a_series_prints_as_it_was_written() {
        let series: Series = "6.12".parse().unwrap();
        assert_eq!(series.to_string(), "6.12");
        assert_eq!(format!("{series:>6}"), "  6.12");
        assert_eq!(series.row_prefix(), "k6_12");
    }

    #[test]
    fn a_version_knows_its_series() {
        for version in [
            "6.12.117-1~deb12u1",
            "1:6.12.1-1",
            "6.12-1",
            "6.12.117+deb12-cloud-amd64",
        ] {
            assert_eq!(Series::of_version(version).unwrap(), Series::new(6, 12));
        }
    }

    #[test]
    fn what_is_no_series_is_an_error() {
        for text in [
            "", "6", "6.", ".1", "6.1.2", "6.x", "06.1", "6.01", "6.99999", "+6.1",
        ] {
            assert!(text.parse::<Series>().is_err(), "{text}");
        }
        assert!(Series::of_version("cloud").is_err());
    }
}
