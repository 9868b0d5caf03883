//! Settings of the running kernel that take something away.

use std::io;

use serde::Serialize;

/// One setting.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub path: &'static str,
    /// As the file has it; none where it cannot be read.
    pub value: Option<String>,
    /// What is not to be had because of it; none where nothing is.
    pub consequence: Option<&'static str>,
}

/// The file, what its text begins with (or holds) where it takes something away, and what.
const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "/proc/sys/net/core/bpf_jit_enable",
        "0",
        "no fentry: kprobes; programs run slower: set it to 1",
    ),
    (
        "/proc/sys/kernel/ftrace_enabled",
        "0",
        "fentry programs do not run: set it to 1",
    ),
    (
        "/sys/kernel/debug/kprobes/enabled",
        "0",
        "kprobes do not run: write 1 to it",
    ),
    (
        "/sys/kernel/security/lockdown",
        "[confidentiality]",
        "programs may not read kernel memory: no sensors; boot without lockdown=confidentiality",
    ),
];

/// Those that this kernel has.
pub fn look() -> Vec<Setting> {
    let settings = SETTINGS.iter().filter_map(|&(path, bad, consequence)| {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(setting(path, text.trim(), bad, consequence)),
            // A kernel without it has no such switch to be turned off.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(Setting {
                path,
                value: None,
                consequence: None,
            }),
        }
    });
    settings.collect()
}

fn setting(path: &'static str, text: &str, bad: &str, consequence: &'static str) -> Setting {
    let is_bad = text.split_whitespace().any(|word| word == bad);
    Setting {
        path,
        value: Some(text.to_owned()),
        consequence: is_bad.then_some(consequence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_something_away_has_a_consequence() {
        let of = |text| setting("/x", text, "[confidentiality]", "no sensors").consequence;
        assert_eq!(of("none integrity [confidentiality]"), Some("no sensors"));
        assert_eq!(of("none [integrity] confidentiality"), None);
        assert_eq!(setting("/x", "10", "0", "off").consequence, None);
    }
}
