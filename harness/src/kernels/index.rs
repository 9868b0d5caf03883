//! The archive's index of packages, and the newest kernel in it.
//!
//! Text in, values out; [`super::apt`] brings the text.

use std::io::BufRead;

use anyhow::{Context, Result};

use super::debversion;
use super::lock::{PREFIXES, Pin, is_plain, is_sha256};
use super::{Arch, Series};

/// From 6.19 on `linux-image-…` is a package of 2 KB that depends on the one
/// with the kernel, and each series has a metapackage too. No kernel is small.
const MIN_KERNEL_BYTES: u64 = 4 << 20;

/// Reads the kernels and module packages of the cloud flavour for `arch` from
/// a `Packages` file of `suite`.
///
/// # Errors
/// When the text cannot be read, or a stanza of interest lacks a field.
pub fn parse_packages(text: impl BufRead, suite: &str, arch: Arch) -> Result<Vec<Pin>> {
    let ending = format!("-cloud-{arch}");
    let mut pins = Vec::new();
    let mut stanza: Option<Stanza> = None;
    for line in text.lines() {
        let line = line.with_context(|| format!("cannot read the index of {suite}"))?;
        if let Some(name) = line.strip_prefix("Package: ") {
            let wanted = name.starts_with("linux-") && name.ends_with(&ending);
            stanza = wanted.then(|| Stanza {
                package: name.to_owned(),
                ..Stanza::default()
            });
        } else if line.is_empty() {
            pins.extend(stanza.take().map(|s| s.into_pin(suite)).transpose()?);
        } else if let Some(stanza) = &mut stanza {
            stanza.field(&line);
        }
    }
    pins.extend(stanza.map(|s| s.into_pin(suite)).transpose()?);
    Ok(pins)
}

#[derive(Default)]
struct Stanza {
    package: String,
    version: Option<String>,
    size: Option<String>,
    sha256: Option<String>,
}

impl Stanza {
    fn field(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(": ") else {
            return;
        };
        let place = match key {
            "Version" => &mut self.version,
            "Size" => &mut self.size,
            "SHA256" => &mut self.sha256,
            _ => return,
        };
        *place = Some(value.trim().to_owned());
    }

    fn into_pin(self, suite: &str) -> Result<Pin> {
        let package = self.package;
        let lacks = |field: &str| format!("index of {suite}: {package} has no valid {field}");
        let version = self
            .version
            .filter(|v| is_plain(v))
            .with_context(|| lacks("Version"))?;
        let sha256 = self
            .sha256
            .filter(|s| is_sha256(s))
            .with_context(|| lacks("SHA256"))?;
        let size = self.size.and_then(|size| size.parse().ok());
        let size_bytes = size.with_context(|| lacks("Size"))?;
        Ok(Pin {
            package,
            version,
            suite: suite.to_owned(),
            size_bytes,
            sha256,
        })
    }
}

/// The newest kernel of `series` among `pins`.
pub fn newest(pins: &[Pin], series: Series) -> Option<&Pin> {
    let kernels = pins.iter().filter(|pin| is_kernel_of(pin, series));
    kernels.max_by(|a, b| debversion::compare(&a.version, &b.version))
}

fn is_kernel_of(pin: &Pin, series: Series) -> bool {
    let kernel = PREFIXES.iter().any(|prefix| {
        let rest = pin.package.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let of_series = Series::of_version(&pin.version).is_ok_and(|found| found == series);
    kernel && of_series && pin.size_bytes >= MIN_KERNEL_BYTES
}

/// The package with the modules of the kernel `pin`, where there is one.
pub fn modules_package<'a>(pins: &'a [Pin], kernel: &Pin) -> Option<&'a Pin> {
    let name = kernel.modules_package_name()?;
    pins.iter()
        .find(|pin| pin.package == name && pin.version == kernel.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(package: &str, version: &str, size: u64) -> String {
        let sha = "0123456789abcdef".repeat(4);
        format!(
            "Package: {package}\nSource: linux\nVersion: {version}\nDescription: x\n Size: 1\n\
             Size: {size}\nSHA256: {sha}\n\n"
        )
    }

    fn pins() -> Vec<Pin> {
        let text = [
            stanza("vim", "9.0-1", 9 << 20),
            stanza("linux-image-6.19.9+deb13-cloud-amd64", "6.19.9-1", 2072),
            stanza(
                "linux-binary-6.19.9+deb13-cloud-amd64",
                "6.19.9-1",
                13 << 20,
            ),
            stanza(
                "linux-binary-6.19.10+deb13-cloud-amd64",
                "6.19.10-1~bpo13+1",
                13 << 20,
            ),
            stanza(
                "linux-binary-6.19.10+deb13-cloud-arm64",
                "6.19.11-1",
                13 << 20,
            ),
            stanza("linux-binary-6.19.12+deb13-amd64", "6.19.12-1", 13 << 20),
            stanza(
                "linux-binary-unsigned-6.19.12-cloud-amd64",
                "6.19.12-1",
                13 << 20,
            ),
            stanza("linux-image-6.19-cloud-amd64", "6.19.13-1", 1500),
            stanza(
                "linux-modules-6.19.10+deb13-cloud-amd64",
                "6.19.10-1~bpo13+1",
                30 << 20,
            ),
            stanza("linux-image-7.0.1-cloud-amd64", "7.0.1-1", 13 << 20),
        ];
        parse_packages(text.concat().as_bytes(), "trixie-backports", Arch::Amd64).unwrap()
    }

    #[test]
    fn the_newest_kernel_is_a_real_kernel_of_that_series_and_architecture() {
        let pins = pins();
        let newest = newest(&pins, Series::new(6, 19)).unwrap();
        assert_eq!(newest.package, "linux-binary-6.19.10+deb13-cloud-amd64");
        assert_eq!(newest.suite, "trixie-backports");
        let modules = modules_package(&pins, newest).unwrap();
        assert_eq!(modules.package, "linux-modules-6.19.10+deb13-cloud-amd64");
    }

    #[test]
    fn a_series_that_is_not_there_has_no_newest_kernel() {
        assert_eq!(newest(&pins(), Series::new(6, 1)), None);
    }

    #[test]
    fn the_last_stanza_needs_no_empty_line_after_it() {
        let text = stanza("linux-image-6.1.0-1-cloud-amd64", "6.1.2-1", 9 << 20);
        let pins = parse_packages(text.trim_end().as_bytes(), "bookworm", Arch::Amd64).unwrap();
        assert_eq!(pins.len(), 1);
    }

    #[test]
    fn a_stanza_without_checksum_is_an_error() {
        let text = "Package: linux-image-6.1.0-1-cloud-amd64\nVersion: 6.1.2-1\nSize: 5\n";
        let error = parse_packages(text.as_bytes(), "bookworm", Arch::Amd64).unwrap_err();
        assert!(
            error.to_string().ends_with("has no valid SHA256"),
            "{error}"
        );
    }
}
