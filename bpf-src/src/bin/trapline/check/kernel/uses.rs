//! What would be used of what there is, and why not the better one.

use std::collections::BTreeMap;

use serde::Serialize;
use trapline_sensors::{Family, Outlook, Way};

use super::Feature;
use super::options::Config;

/// What events come through.
pub const RING: &str = "BPF_MAP_TYPE_RINGBUF";

/// One thing that can be done in several ways.
#[derive(Debug, Serialize)]
pub struct Use {
    pub what: String,
    /// The way; none where there is none, or it cannot be told.
    pub by: Option<String>,
    /// Why not a better way, or which of its kind.
    pub reason: Option<String>,
}

/// What was found out before.
pub struct Seen<'a> {
    pub features: &'a [Feature],
    /// Why the kernel's types cannot be read.
    pub types: Option<&'a str>,
    /// Whether those know ring buffers.
    pub ring_in_types: Option<bool>,
    pub hooks: &'a [Outlook],
    pub config: &'a Config,
}

impl Seen<'_> {
    fn feature(&self, name: &str) -> &str {
        let mut features = self.features.iter();
        let found = features.find(|feature| feature.feature == name);
        found.map_or("unknown", |feature| feature.state)
    }

    fn option(&self, name: &str) -> &str {
        let mut options = self.config.options.iter();
        options
            .find(|row| row.option == name)
            .map_or("unknown", |row| row.state)
    }
}

fn used(what: &str, by: &str, reason: Option<String>) -> Use {
    Use {
        what: what.to_owned(),
        by: Some(by.to_owned()),
        reason,
    }
}

fn not_used(what: &str, reason: &str) -> Use {
    Use {
        what: what.to_owned(),
        by: None,
        reason: Some(reason.to_owned()),
    }
}

pub fn all(seen: &Seen<'_>) -> Vec<Use> {
    let mut all = vec![types(seen), records(seen)];
    all.extend(Family::ALL.iter().map(|family| hooks(*family, seen.hooks)));
    all.extend([interfaces(seen), sockets(seen), lsm(seen)]);
    all
}

fn types(seen: &Seen<'_>) -> Use {
    const WHAT: &str = "kernel types";
    match (seen.types, seen.feature("kernel BTF, mapped")) {
        (Some(why), _) => not_used(WHAT, why),
        (None, "yes") => used(WHAT, "kernel BTF, mapped", None),
        (None, _) => {
            let reason = "read in pieces: before 6.16 it cannot be mapped";
            used(WHAT, "kernel BTF", Some(reason.to_owned()))
        }
    }
}

/// Who may make no map has to go by the kernel's types.
fn records(seen: &Seen<'_>) -> Use {
    const WHAT: &str = "records of events";
    match (seen.feature(RING), seen.ring_in_types) {
        ("yes", _) => used(WHAT, "ring buffer", None),
        ("unknown", Some(true)) => used(WHAT, "ring buffer", Some("not tried".to_owned())),
        ("unknown", None) => not_used(WHAT, "not tried: a ring buffer, where there are any (5.8)"),
        _ => not_used(WHAT, "no ring buffers (5.8), which the sensors need"),
    }
}

/// How many hooks of a family in which way.
fn hooks(family: Family, hooks: &[Outlook]) -> Use {
    let mut ways = BTreeMap::<&str, usize>::new();
    let own = hooks.iter().filter(|hook| hook.family == family);
    // What a kernel never had is no news.
    for hook in own.clone().filter(|hook| hook.way != Way::Absent) {
        *ways.entry(hook.way.name()).or_default() += 1;
    }
    let what = format!("hooks of {} events", family.name());
    if ways.contains_key(Way::Unknown.name()) {
        return not_used(
            &what,
            "not known: neither types nor programs can be looked at",
        );
    }
    let counts = ways.iter().map(|(way, hooks)| format!("{way} {hooks}"));
    let counts: Vec<_> = counts.collect();
    let is_tried = own.clone().all(|hook| hook.is_tried);
    let reason = (!is_tried).then(|| "not tried: by the kernel's types".to_owned());
    used(&what, &counts.join(", "), reason)
}

fn interfaces(seen: &Seen<'_>) -> Use {
    const WHAT: &str = "isolation, interfaces";
    match (seen.feature("tcx"), seen.option("CONFIG_NET_XGRESS")) {
        ("yes", _) => used(WHAT, "tcx", None),
        ("unknown", "yes") => used(WHAT, "tcx", Some("not tried".to_owned())),
        _ => match (
            seen.option("CONFIG_NET_SCH_INGRESS"),
            seen.option("CONFIG_NET_CLS_BPF"),
        ) {
            ("no", _) | (_, "no") => not_used(WHAT, "no tcx (6.6), and no clsact"),
            ("unknown", _) | (_, "unknown") => {
                let reason = "no tcx (6.6); needs the modules sch_ingress and cls_bpf";
                used(WHAT, "clsact", Some(reason.to_owned()))
            }
            _ => used(WHAT, "clsact", Some("no tcx (6.6)".to_owned())),
        },
    }
}

fn sockets(seen: &Seen<'_>) -> Use {
    const WHAT: &str = "isolation, sockets";
    match seen.option("CONFIG_CGROUP_BPF") {
        "yes" => used(WHAT, "programs on the root of cgroup 2", None),
        "no" => not_used(WHAT, "CONFIG_CGROUP_BPF is missing"),
        _ => not_used(
            WHAT,
            "not known: neither types nor configuration can be read",
        ),
    }
}

fn lsm(seen: &Seen<'_>) -> Use {
    const WHAT: &str = "LSM programs of `load`";
    match seen.feature("bpf among the active security modules") {
        "yes" => used(WHAT, "bpf is active", None),
        "no" => not_used(
            WHAT,
            "bpf is not active: add it to lsm= of the boot command line",
        ),
        _ => not_used(
            WHAT,
            "not known: before 6.8 only securityfs tells, which is not mounted",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(features: &'a [Feature], config: &'a Config) -> Seen<'a> {
        Seen {
            features,
            types: None,
            ring_in_types: None,
            hooks: &[],
            config,
        }
    }

    fn feature(feature: &'static str, state: &'static str) -> Feature {
        Feature {
            feature,
            since: "1.0",
            state,
            reason: None,
        }
    }

    #[test]
    fn the_better_way_is_taken_and_its_absence_explained() {
        let config = Config::default();
        let features = [feature("tcx", "yes"), feature(RING, "no")];
        let all = all(&seen(&features, &config));
        let by = |what: &str| all.iter().find(|row| row.what == what).unwrap();
        assert_eq!(by("isolation, interfaces").by.as_deref(), Some("tcx"));
        let records = by("records of events");
        assert_eq!(records.by, None);
        assert!(records.reason.as_ref().unwrap().contains("5.8"));
        assert_eq!(by("isolation, sockets").by, None);
    }

    #[test]
    fn without_tcx_it_is_clsact() {
        let config = Config::default();
        let features = [feature("tcx", "no")];
        let row = interfaces(&seen(&features, &config));
        assert_eq!(row.by.as_deref(), Some("clsact"));
    }
}
