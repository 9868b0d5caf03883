//! `snapshots/reasons.toml`: why a kernel's snapshot differs from all others'.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// All written reasons.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    #[serde(default, rename = "difference")]
    differences: Vec<Difference>,
}

/// One reason, for one workload on some kernels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// `process::exec_empty_argv`
    pub workload: String,
    /// Series: `["5.10"]`.
    pub kernels: Vec<String>,
    /// What the kernel does differently, and since which commit or version.
    pub reason: String,
}

impl Reasons {
    /// Reads `reasons.toml` in the folder of snapshots; without one there are none.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("reasons.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Self::parse(&text).with_context(|| format!("{} is not valid", path.display()))
    }

    /// Parses the text of `reasons.toml`.
    ///
    /// # Errors
    /// When it is no TOML, has unknown keys, or a reason that is none.
    pub fn parse(text: &str) -> Result<Self> {
        const REASON_BYTES_LEAST: usize = 20;
        let reasons: Self = toml::from_str(text)?;
        for difference in &reasons.differences {
            let about = &difference.workload;
            ensure!(
                difference.reason.trim().len() >= REASON_BYTES_LEAST,
                "{about}: say in a sentence what the kernel does differently"
            );
            ensure!(!difference.kernels.is_empty(), "{about}: no kernels");
            ensure!(
                about.split_once("::").is_some(),
                "{about}: workloads are called FAMILY::NAME"
            );
        }
        Ok(reasons)
    }

    /// The reason why this workload differs on this kernel.
    pub fn find(&self, family: &str, workload: &str, series: &str) -> Option<&Difference> {
        let name = format!("{family}::{workload}");
        self.differences.iter().find(|difference| {
            difference.workload == name && difference.kernels.iter().any(|kernel| kernel == series)
        })
    }

    /// All of them, as written.
    pub fn all(&self) -> &[Difference] {
        &self.differences
    }
}
