//! Whether snapshots may be written: never under CI.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

/// What may happen to snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Compare only.
    Compare,
    /// Compare, and leave what differs as pending.
    Write,
}

impl Policy {
    /// Reads `CI` and insta's own switches.
    ///
    /// # Errors
    /// Under CI, when a switch tells insta to pass or to write whatever comes.
    pub fn of_environment(root: &Path) -> Result<Self> {
        let yaml = [".config/insta.yaml", "insta.yaml", ".insta.yaml"];
        let config: Vec<(String, String)> = yaml
            .iter()
            .filter_map(|name| {
                let text = fs::read_to_string(root.join(name)).ok()?;
                Some(((*name).to_owned(), text))
            })
            .collect();
        Self::decide(|name| env::var(name).ok(), &config)
    }

    /// The same from the values of variables and the texts of insta's files.
    ///
    /// # Errors
    /// As [`Policy::of_environment`].
    pub fn decide(
        variable: impl Fn(&str) -> Option<String>,
        config: &[(String, String)],
    ) -> Result<Self> {
        let is_on = |name: &str| {
            let value = variable(name).unwrap_or_default();
            !matches!(value.as_str(), "" | "0" | "false" | "no")
        };
        if !is_on("CI") && !is_on("TF_BUILD") {
            return Ok(Self::Write);
        }
        if is_on("INSTA_FORCE_PASS") {
            bail!("INSTA_FORCE_PASS is set, which would pass every snapshot: not under CI");
        }
        let update = variable("INSTA_UPDATE").unwrap_or_default();
        if !matches!(update.as_str(), "" | "no" | "auto") {
            bail!("INSTA_UPDATE={update} would write snapshots: not under CI");
        }
        for (name, text) in config {
            let loose = |line: &str| {
                let line = line.replace(' ', "");
                line.starts_with("force_pass:true") || line.starts_with("update:")
            };
            if text.lines().any(loose) {
                bail!("{name} lets insta pass or write what it should compare: not under CI");
            }
        }
        Ok(Self::Compare)
    }
}
