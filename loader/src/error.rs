//! The one error type of this crate.
//!
//! An error says what was tried, on what, where and why. It is built from the
//! inside out: the layer that fails names the cause, each layer above adds one
//! line of context. Code matches on [`Error::kind`], people read the text.
//!
//! Three renderings: `{}` is one line, `{:#}` the whole chain on one line,
//! `{:?}` the chain on several lines and the full verifier log, where there is
//! one.
//!
//! ```
//! use trapline_loader::spec::ObjectSpec;
//! use trapline_loader::ErrorKind;
//!
//! let error = ObjectSpec::parse("net.bpf.o", b"no ELF").unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Malformed);
//! assert_eq!(format!("{error}"), "object net.bpf.o");
//! println!("{error:#}");
//! # assert!(format!("{error:#}").starts_with("object net.bpf.o: "));
//! # assert_eq!(error.errno(), None);
//! ```

use core::fmt;
use std::borrow::Cow;
use std::path::Path;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// The class of an [`Error`], for code that has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes that are not what they claim to be: ELF, BTF, a ring record.
    Malformed,
    /// A name or id that the object, the BTF or the kernel does not have.
    NotFound,
    /// A call that cannot be carried out as it stands: wrong size, wrong state.
    InvalidInput,
    /// The running kernel, or this crate, lacks a feature.
    Unsupported {
        /// The feature, in the kernel's own terms.
        feature: &'static str,
        /// The kernel version that brought it, where there is one: `"5.8"`.
        since: Option<&'static str>,
    },
    /// The caller may not do this (EPERM, EACCES outside the verifier).
    PermissionDenied,
    /// The verifier refused a program; the log says why.
    Rejected,
    /// Any other answer of the kernel.
    System {
        /// The positive errno value.
        errno: i32,
    },
}

/// An error with its cause and the context that each layer added.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    cause: Cow<'static, str>,
    /// Innermost first.
    context: Vec<Cow<'static, str>>,
    verifier_log: Option<Box<str>>,
}

impl Error {
    /// An error of `kind` whose innermost cause is `cause`.
    pub fn new(kind: ErrorKind, cause: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            cause: cause.into(),
            context: Vec::new(),
            verifier_log: None,
        }))
    }

    /// Bytes that are not what they claim to be.
    pub fn malformed(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Malformed, cause)
    }

    /// A name or id that is not there.
    pub fn not_found(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, cause)
    }

    /// A call that cannot be carried out as it stands.
    pub fn invalid_input(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidInput, cause)
    }

    /// A feature that this kernel or this crate lacks.
    pub fn unsupported(feature: &'static str, since: Option<&'static str>) -> Self {
        let cause = match since {
            Some(version) => format!("{feature} needs Linux {version}").into(),
            None => Cow::Owned(format!("{feature} is not supported")),
        };
        Self::new(ErrorKind::Unsupported { feature, since }, cause)
    }

    /// What the standard library says of a file or folder.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        let kind = match (error.kind(), error.raw_os_error()) {
            (std::io::ErrorKind::NotFound, _) => ErrorKind::NotFound,
            (std::io::ErrorKind::PermissionDenied, _) => ErrorKind::PermissionDenied,
            (_, Some(errno)) => ErrorKind::System { errno },
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, format!("{}: {error}", path.display()))
    }

    /// The same error with one more line of context around it.
    #[must_use]
    pub fn context(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.0.context.push(line.into());
        self
    }

    /// The same error, carrying the verifier's log.
    #[must_use]
    pub fn with_verifier_log(mut self, log: impl Into<Box<str>>) -> Self {
        self.0.verifier_log = Some(log.into());
        self
    }

    /// The class of this error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The full verifier log, where the verifier said something.
    pub fn verifier_log(&self) -> Option<&str> {
        self.0.verifier_log.as_deref()
    }

    /// The errno behind this error, where the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self.0.kind {
            ErrorKind::System { errno } => Some(errno),
            _ => None,
        }
    }

    /// The lines of this error, outermost first; the last is the cause.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        let context = self.0.context.iter().rev().map(AsRef::as_ref);
        context.chain(core::iter::once(self.0.cause.as_ref()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.chain();
        f.write_str(lines.next().unwrap_or_default())?;
        if f.alternate() {
            for line in lines {
                write!(f, ": {line}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, line) in self.chain().enumerate() {
            if depth > 0 {
                f.write_str("\n  because: ")?;
            }
            f.write_str(line)?;
        }
        if let Some(log) = self.verifier_log() {
            write!(f, "\nverifier log:\n{log}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Error {}

/// Adds context to the error of a result, on the way up.
pub trait ResultExt<T> {
    /// Adds one line of context, built only when there is an error.
    ///
    /// # Errors
    /// The error of `self`, with the line around it.
    fn with_context<C: Into<Cow<'static, str>>>(self, line: impl FnOnce() -> C) -> Result<T>;
}

impl<T> ResultExt<T> for Result<T> {
    fn with_context<C: Into<Cow<'static, str>>>(self, line: impl FnOnce() -> C) -> Self {
        self.map_err(|error| error.context(line()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Error {
        Error::malformed("string offset 70 lies past the table's 64 bytes")
            .context("BTF type 5")
            .context("object net.bpf.o")
    }

    #[test]
    fn plain_display_is_the_outermost_line() {
        assert_eq!(sample().to_string(), "object net.bpf.o");
    }

    #[test]
    fn alternate_display_is_the_chain_on_one_line() {
        let chain = "object net.bpf.o: BTF type 5: string offset 70 lies past the table's 64 bytes";
        assert_eq!(format!("{:#}", sample()), chain);
    }

    #[test]
    fn debug_adds_the_verifier_log() {
        let text = format!("{:?}", sample().with_verifier_log("0: R1=ctx()"));
        assert!(text.ends_with("verifier log:\n0: R1=ctx()"), "{text}");
    }

    #[test]
    fn errors_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }
}
