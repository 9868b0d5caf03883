//! How the running kernel was configured, where it can be read.
//!
//! Knows where the text is and what a line of it looks like; what an option means is
//! for others to know.

use crate::error::{Error, Result, ResultExt};
use crate::inflate::gunzip;
use crate::sys;
use std::path::Path;

/// The largest configuration that is read, unpacked: twenty times Debian's.
const MAX_BYTES: usize = 8 << 20;

/// A kernel's configuration, as the build of a kernel writes it.
#[derive(Clone, Debug)]
pub struct KernelConfig {
    path: String,
    text: Vec<u8>,
}

impl KernelConfig {
    /// That of the running kernel: `/boot/config-RELEASE`, else `/proc/config.gz`.
    ///
    /// # Errors
    /// `NotFound` where neither can be read; `Malformed` for what is no gzip.
    pub fn running() -> Result<Self> {
        let release = sys::release().map_err(|errno| errno.error("uname"))?;
        let boot = format!("/boot/config-{release}");
        for path in [&*boot, "/proc/config.gz"] {
            let Ok(data) = sys::read_bytes(Path::new(path), MAX_BYTES as u64) else {
                continue;
            };
            // What starts like gzip is gzip, whatever its name.
            let is_packed = data.starts_with(&[0x1f, 0x8b]);
            let text = match is_packed {
                true => gunzip(&data, MAX_BYTES).with_context(|| path.to_owned())?,
                false => data,
            };
            let path = path.to_owned();
            return Ok(Self { path, text });
        }
        Err(Error::not_found(format!(
            "the kernel's configuration is in neither {boot} nor /proc/config.gz"
        )))
    }

    /// The file that it was read from.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What an option is set to, as written: `y`, `m`, `"text"`, `0x10`. None where
    /// it is not set, or unknown to this kernel.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        let mut all = options(&self.text);
        let (_, value) = all.find(|(name, _)| *name == option.as_bytes())?;
        core::str::from_utf8(value).ok()
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// The options that a configuration sets: name and value, as written.
pub(crate) fn options(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let at = line.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (line.get(..at)?, line.get(at + 1..)?);
        name.starts_with(b"CONFIG_").then_some((name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"# CONFIG_A is not set\nCONFIG_B=y\n\nB=y\nCONFIG_C=\"a=b\"\r\nCONFIG_D";

    #[test]
    fn only_options_that_are_set_are_read() {
        let options: Vec<_> = options(TEXT).collect();
        assert_eq!(
            options,
            [
                (&b"CONFIG_B"[..], &b"y"[..]),
                (&b"CONFIG_C"[..], &b"\"a=b\""[..])
            ]
        );
    }

    #[test]
    fn an_option_is_found_by_its_whole_name() {
        let config = KernelConfig {
            path: "test".to_owned(),
            text: TEXT.to_vec(),
        };
        assert_eq!(config.value("CONFIG_B"), Some("y"));
        assert_eq!(config.value("CONFIG_C"), Some("\"a=b\""));
        for unset in ["CONFIG_A", "CONFIG_D", "CONFIG_", "B"] {
            assert_eq!(config.value(unset), None, "{unset}");
        }
    }
}
