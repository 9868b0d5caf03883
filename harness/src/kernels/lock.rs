//! `vm-images/kernels.toml`: which kernels the matrix consists of.
//!
//! Reading only; [`super::update`] writes. The lock is the one place that says
//! what may be booted: a kernel whose sha256 is not here is never used, but
//! for a pin that left the mirror, and that is said aloud.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::Series;

/// Where the lock lies below the root of the repository.
pub const LOCK_PATH: &str = "vm-images/kernels.toml";

/// A processor architecture, by Debian's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Arch {
    /// x86-64.
    Amd64,
}

impl Arch {
    /// Debian's name: `amd64`.
    pub const fn debian_name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.debian_name())
    }
}

/// One package file, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Package name.
    pub package: String,
    /// Debian version.
    pub version: String,
    /// The suite whose index lists it: `trixie-backports`.
    pub suite: String,
    /// Size of the .deb.
    pub size_bytes: u64,
    /// sha256 of the .deb, 64 lowercase hexadecimal digits.
    pub sha256: String,
}

impl Pin {
    /// The kernel release (`uname -r`) that the package name carries.
    pub fn release(&self) -> Option<&str> {
        PREFIXES.iter().find_map(|p| self.package.strip_prefix(p))
    }

    /// The name of the package with this kernel's modules, where they live apart.
    pub fn modules_package_name(&self) -> Option<String> {
        self.release()
            .map(|release| format!("linux-modules-{release}"))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.version)
    }
}

/// How packages that hold a kernel begin. From 6.19 on the image package is
/// empty and depends on the binary package.
pub(super) const PREFIXES: [&str; 2] = ["linux-image-", "linux-binary-"];

/// One locked kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The series that this kernel stands for.
    pub series: Series,
    /// The architecture it runs on.
    pub arch: Arch,
    /// The package that holds the kernel.
    pub pin: Pin,
    /// Modules that must be loaded to boot, by the kernel's names with `_`;
    /// what these depend on is found in the modules themselves.
    pub modules: Vec<String>,
    /// Modules that are loaded only in boots whose workloads need them.
    pub spare_modules: Vec<String>,
    /// The package with the modules, where they live apart: fetched if any are wanted.
    pub modules_package: Option<Pin>,
    /// Where the newest of the series is looked for when `pin` has left the
    /// archive: every suite of the lock.
    pub suites: Vec<String>,
}

/// The parsed lock, its kernels in ascending order.
#[derive(Clone, Debug)]
pub struct Lock {
    path: PathBuf,
    suites: Vec<String>,
    kernels: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    archive: RawArchive,
    kernel: Vec<RawKernel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArchive {
    suites: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKernel {
    series: Series,
    arch: Arch,
    package: String,
    version: String,
    suite: String,
    size_bytes: u64,
    sha256: String,
    modules: Vec<String>,
    #[serde(default)]
    spare_modules: Vec<String>,
    modules_package: Option<RawPin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPin {
    package: String,
    version: String,
    size_bytes: u64,
    sha256: String,
}

impl Lock {
    /// Reads the lock of the repository at `root`.
    ///
    /// # Errors
    /// When the file is missing or is not a valid lock.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join(LOCK_PATH);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the kernel lock {}", path.display()))?;
        Self::parse(&text, &path)
    }

    /// Parses the text of a lock; `path` is what errors call it.
    ///
    /// # Errors
    /// When the text is no TOML, a key is missing or unknown, a value is not
    /// of its kind, or a series appears twice.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        Self::parse_inner(text, path)
            .with_context(|| format!("kernel lock {} is not valid", path.display()))
    }

    fn parse_inner(text: &str, path: &Path) -> Result<Self> {
        let raw: RawLock = toml::from_str(text)?;
        let suites = raw.archive.suites;
        ensure!(!suites.is_empty(), "archive.suites is empty");
        for suite in &suites {
            ensure!(
                is_plain(suite),
                "archive.suites: `{suite}` is no suite name"
            );
        }
        let mut kernels = Vec::new();
        for kernel in raw.kernel {
            let name = format!("kernel {} {}", kernel.series, kernel.arch);
            kernels.push(kernel.check(&suites).context(name)?);
        }
        ensure!(!kernels.is_empty(), "it lists no kernel");
        kernels.sort_by_key(|k: &Entry| (k.series, k.arch));
        for pair in kernels.windows(2) {
            let (series, arch) = (pair[0].series, pair[0].arch);
            if (series, arch) == (pair[1].series, pair[1].arch) {
                bail!("kernel {series} {arch} appears twice");
            }
        }
        Ok(Self {
            path: path.to_owned(),
            suites,
            kernels,
        })
    }

    /// The file this lock was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All suites that may hold a kernel of the matrix.
    pub fn suites(&self) -> &[String] {
        &self.suites
    }

    /// Every locked kernel, ascending.
    pub fn kernels(&self) -> &[Entry] {
        &self.kernels
    }

    /// Every series, ascending.
    pub fn series(&self) -> impl Iterator<Item = Series> + '_ {
        self.kernels.iter().map(|kernel| kernel.series)
    }

    /// The kernel of one series.
    ///
    /// # Errors
    /// When the lock has none; the error lists those it has.
    pub fn get(&self, series: Series) -> Result<&Entry> {
        let found = self.kernels.iter().find(|kernel| kernel.series == series);
        found.with_context(|| {
            let known: Vec<String> = self.series().map(|s| s.to_string()).collect();
            format!(
                "no kernel {series} in the matrix, which is {}",
                known.join(" ")
            )
        })
    }

    /// The kernels of `wanted` in ascending order, or all when it is empty.
    ///
    /// # Errors
    /// When one of them is not in the lock.
    pub fn select(&self, wanted: &[Series]) -> Result<Vec<&Entry>> {
        if wanted.is_empty() {
            return Ok(self.kernels.iter().collect());
        }
        let mut chosen = wanted.to_vec();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().map(|series| self.get(series)).collect()
    }
}

impl RawKernel {
    fn check(self, suites: &[String]) -> Result<Entry> {
        let Self {
            series,
            arch,
            package,
            version,
            suite,
            size_bytes,
            sha256,
            ..
        } = self;
        let pin = Pin {
            package,
            version,
            suite,
            size_bytes,
            sha256,
        };
        check_pin(&pin)?;
        ensure!(
            suites.contains(&pin.suite),
            "suite `{}` is not among archive.suites",
            pin.suite
        );
        let release = pin.release().unwrap_or_default();
        ensure!(
            release.ends_with(arch.debian_name()) && Series::of_version(release).is_ok(),
            "package `{}` is not a {arch} kernel; one is called linux-image-VERSION-{arch}",
            pin.package
        );
        let real = Series::of_version(&pin.version)?;
        ensure!(
            real == series,
            "version {} is of series {real}",
            pin.version
        );
        for module in self.modules.iter().chain(&self.spare_modules) {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            ensure!(
                !module.is_empty() && module.bytes().all(plain),
                "`{module}` is no module name (the kernel writes them with `_`)"
            );
        }
        let modules_package = self.modules_package.map(|raw| Pin {
            package: raw.package,
            version: raw.version,
            suite: pin.suite.clone(),
            size_bytes: raw.size_bytes,
            sha256: raw.sha256,
        });
        if let Some(modules) = &modules_package {
            check_pin(modules).context("modules_package")?;
        }
        Ok(Entry {
            series,
            arch,
            pin,
            modules: self.modules,
            spare_modules: self.spare_modules,
            modules_package,
            suites: suites.to_vec(),
        })
    }
}

/// Names and versions go onto apt's command line and into paths: nothing but
/// the characters that Debian allows, and no leading `-`.
fn check_pin(pin: &Pin) -> Result<()> {
    ensure!(
        is_plain(&pin.package),
        "`{}` is no package name",
        pin.package
    );
    ensure!(
        is_plain(&pin.version),
        "`{}` is no Debian version",
        pin.version
    );
    ensure!(is_plain(&pin.suite), "`{}` is no suite name", pin.suite);
    ensure!(pin.size_bytes > 0, "size_bytes is 0");
    ensure!(
        is_sha256(&pin.sha256),
        "`{}` is no sha256: 64 lowercase hexadecimal digits",
        pin.sha256
    );
    Ok(())
}

pub(super) fn is_plain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+-.:~".contains(&b);
    text.as_bytes()
        .first()
        .is_some_and(u8::is_ascii_alphanumeric)
        && text.bytes().all(allowed)
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
