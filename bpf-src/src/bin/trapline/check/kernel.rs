//! What this kernel has, and what would be used of it.

use std::collections::BTreeMap;

use serde::Serialize;
use trapline_loader::Result;
use trapline_loader::btf::Kind;
use trapline_loader::feature::{self, State};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::{Outlook, Way, outlook};

use crate::files;

mod caller;
mod options;
mod settings;
mod text;
mod uses;

use caller::Caller;

/// What every kernel with ring buffers has.
const RING_FUNCTION: &str = "bpf_ringbuf_output";

/// The shape that [`Report`] has; raised when a member goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// All that is found out; as JSON of the shape in `schema/check.schema.json`.
#[derive(Debug, Serialize)]
struct Report {
    schema_version: u32,
    trapline: &'static str,
    kernel: Kernel,
    caller: Caller,
    /// Whether the sensors would load; none where it cannot be told.
    good: Option<bool>,
    uses: Vec<uses::Use>,
    hooks: Vec<Hook>,
    features: Vec<Feature>,
    config: options::Config,
    settings: Vec<settings::Setting>,
    unseen: Vec<Unseen>,
}

#[derive(Debug, Serialize)]
struct Kernel {
    release: String,
    machine: &'static str,
}

/// How one thing that the sensors watch would be hooked.
#[derive(Debug, Serialize)]
struct Hook {
    family: &'static str,
    hook: &'static str,
    /// `fentry`, `kprobe`, `absent`, `impossible` or `unknown`.
    way: &'static str,
    tried: bool,
    required: bool,
    reason: Option<String>,
}

/// A feature of the kernel.
#[derive(Debug, Serialize)]
struct Feature {
    feature: &'static str,
    /// The kernel version that brought it.
    since: &'static str,
    /// `yes`, `no` or `unknown`.
    state: &'static str,
    reason: Option<String>,
}

impl Feature {
    fn is(&self, state: &str) -> bool {
        self.state == state
    }
}

/// What could not be found out, and why.
#[derive(Debug, Serialize)]
struct Unseen {
    what: Vec<String>,
    reason: String,
}

/// Looks at the running kernel and prints it; false where the sensors will not load.
///
/// # Errors
/// What keeps this from being looked at or printed at all.
pub fn run(json: bool, all: bool) -> Result<bool> {
    let report = look()?;
    files::print(&match json {
        true => line(&report),
        false => text::text(&report, all),
    })?;
    Ok(report.good != Some(false))
}

fn line(report: &Report) -> String {
    // No map with keys that are no strings, the one thing that cannot be written.
    let mut line = serde_json::to_string(report).unwrap_or_default();
    line.push('\n');
    line
}

fn look() -> Result<Report> {
    let mut kernel = KernelBtf::running();
    let features = features();
    let types = kernel.target().map(|_| ()).map_err(|e| format!("{e:#}"));
    let config = options::look(&mut kernel, RING_FUNCTION)?;
    let ring_in_types = match kernel.target() {
        Ok(types) => Some(types.find_one(Kind::Func, RING_FUNCTION)?.is_some()),
        Err(_) => None,
    };
    let hooks = outlook(&mut kernel)?;
    let seen = uses::Seen {
        features: &features,
        types: types.as_ref().err().map(String::as_str),
        ring_in_types,
        hooks: &hooks,
        config: &config,
    };
    let caller = Caller::look();
    let settings = settings::look();
    Ok(Report {
        schema_version: SCHEMA_VERSION,
        trapline: env!("CARGO_PKG_VERSION"),
        kernel: Kernel {
            release: feature::kernel_release()?,
            machine: std::env::consts::ARCH,
        },
        good: is_good(&features, types.is_ok(), &hooks),
        uses: uses::all(&seen),
        unseen: unseen(&features, &hooks, &config, &settings),
        caller,
        features,
        config,
        settings,
        hooks: hooks.into_iter().map(hook).collect(),
    })
}

fn hook(outlook: Outlook) -> Hook {
    Hook {
        family: outlook.family.name(),
        hook: outlook.hook,
        way: outlook.way.name(),
        tried: outlook.is_tried,
        required: outlook.is_required,
        reason: outlook.reason,
    }
}

fn features() -> Vec<Feature> {
    let findings = feature::probe_all().into_iter().map(|finding| {
        let (state, reason) = match finding.state {
            State::Present => ("yes", None),
            State::Absent(why) => ("no", Some(why)),
            State::Unknown(why) => ("unknown", Some(why)),
            other => ("unknown", Some(other.to_string())),
        };
        Feature {
            feature: finding.feature,
            since: finding.since,
            state,
            reason,
        }
    });
    let mut features: Vec<_> = findings.collect();
    let (state, reason) = match feature::is_lsm_active() {
        Ok(true) => ("yes", None),
        Ok(false) => ("no", Some("not in the list of lsm=".to_owned())),
        Err(error) => ("unknown", Some(format!("{error:#}"))),
    };
    features.push(Feature {
        feature: "bpf among the active security modules",
        since: "5.7",
        state,
        reason,
    });
    features
}

fn is_good(features: &[Feature], has_types: bool, hooks: &[Outlook]) -> Option<bool> {
    let ring = features.iter().find(|f| f.feature == uses::RING);
    let is_impossible = |hook: &Outlook| hook.is_required && hook.way == Way::Impossible;
    if !has_types || ring.is_some_and(|ring| ring.is("no")) || hooks.iter().any(is_impossible) {
        return Some(false);
    }
    hooks.iter().all(|hook| hook.is_tried).then_some(true)
}

fn unseen(
    features: &[Feature],
    hooks: &[Outlook],
    config: &options::Config,
    settings: &[settings::Setting],
) -> Vec<Unseen> {
    let mut by_reason = BTreeMap::<String, Vec<String>>::new();
    for feature in features.iter().filter(|feature| feature.is("unknown")) {
        let reason = feature.reason.clone().unwrap_or_default();
        let what = format!("feature {}", feature.feature);
        by_reason.entry(reason).or_default().push(what);
    }
    if hooks.iter().any(|hook| !hook.is_tried) {
        let what = "what the verifier says".to_owned();
        by_reason.insert(NOT_TRIED.to_owned(), vec![what]);
    }
    let settings = settings.iter().filter(|setting| setting.value.is_none());
    let settings: Vec<_> = settings
        .map(|setting| format!("setting {}", setting.path))
        .collect();
    if !settings.is_empty() {
        by_reason.insert("only root may read it".to_owned(), settings);
    }
    if let Some(reason) = &config.unread {
        let unknown = config.options.iter().filter(|row| row.state == "unknown");
        let what = unknown
            .map(|row| format!("option {}", row.option))
            .collect();
        by_reason.insert(reason.clone(), what);
    }
    let all = by_reason.into_iter();
    all.map(|(reason, what)| Unseen { what, reason }).collect()
}

/// Why hooks are told from types.
const NOT_TRIED: &str = "root, or CAP_BPF and CAP_PERFMON, may load programs";

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(feature: &'static str, state: &'static str) -> Feature {
        Feature {
            feature,
            since: "5.8",
            state,
            reason: Some("EPERM".to_owned()),
        }
    }

    #[test]
    fn a_verdict_needs_what_was_tried() {
        let unknown = outlook(&mut KernelBtf::from_file("/nonexistent")).unwrap();
        let ring = [feature(uses::RING, "unknown")];
        assert_eq!(is_good(&ring, true, &unknown), None);
        assert_eq!(is_good(&ring, false, &unknown), Some(false));
        assert_eq!(
            is_good(&[feature(uses::RING, "no")], true, &[]),
            Some(false)
        );
        assert_eq!(
            is_good(&[feature(uses::RING, "yes")], true, &[]),
            Some(true)
        );
    }

    #[test]
    fn what_was_not_seen_is_told_once_for_each_reason() {
        let features = [
            feature("a", "unknown"),
            feature("b", "unknown"),
            feature("c", "yes"),
        ];
        let config = options::Config::default();
        let unseen = unseen(&features, &[], &config, &[]);
        assert_eq!(unseen.len(), 1);
        assert_eq!(
            (unseen[0].what.join(", "), &*unseen[0].reason),
            ("feature a, feature b".to_owned(), "EPERM")
        );
    }
}
