//! The loader's cases: each puts `trapline-loader` to one use on this kernel and
//! says what came of it. Sensors are not loaded meanwhile.
//!
//! A case is a row of the matrix on every kernel: `k6_12::loader::attach_kprobe`.
//! To add one:
//! 1. its object `harness/corpus/c/NAME.bpf.c`, which counts in a global
//!    `__u64 hits`, of its own process alone where others could trigger it too
//!    (`const volatile __u32 pid` is set to that process before loading);
//! 2. a line in the table of its theme ([`tracing`], [`functions`], [`uprobes`],
//!    [`hooks`], [`net`], [`maps`], [`data`], [`objects`], [`budget`],
//!    [`program`], [`examples`], [`checked`], [`rings`], [`isolate`], [`watch`]) with the
//!    function that runs it, mostly just
//!    [`Stage::attached`] and a trigger of [`triggers`];
//! 3. its entry in `harness/guest/loader.toml`, at the same place in the order:
//!    since which version it has to work, and which way the loader takes.
//!
//! Each runs in a process of its own, forked from the runner: it may enter
//! namespaces, leave things open, panic or crash the process. The kernel's BTF is
//! searched once, for all cases together, before the first. Everything here is
//! emulated a hundred times slower than real, so: small objects, no sleeps, and
//! an eye on `elapsed_ms`.

mod budget;
mod checked;
pub mod checks;
mod data;
mod examples;
mod functions;
mod hits;
mod hooks;
mod isolate;
mod maps;
mod net;
mod objects;
mod probed;
mod program;
mod rings;
mod run;
mod sensing;
pub mod stage;
mod struct_ops;
mod tracing;
mod trapline;
pub mod triggers;
mod uprobes;
mod watch;

use std::time::Duration;

pub use run::{main, run_all};
pub use stage::{Outcome, Report, Stage};

/// One use of the loader.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its row's name; what attaches something begins with `attach_`.
    pub name: &'static str,
    /// The object of the corpus that [`Stage::load`] loads; none for a case that brings its own.
    pub object: Option<&'static str>,
    /// Does it and says how it went.
    pub run: fn(&mut Stage<'_>) -> Outcome,
}

/// Cases that belong together, and how long each may take before its processes are killed.
#[derive(Debug)]
struct Theme(&'static [Case], Duration);

/// Most cases take less than a second.
const USUAL: Duration = Duration::from_secs(10);
/// The sensors are loaded, and work.
const SENSING: Duration = Duration::from_secs(300);

/// All cases, in the order in which they run.
const THEMES: &[Theme] = &[
    Theme(tracing::CASES, USUAL),
    Theme(functions::CASES, USUAL),
    Theme(functions::COOKIES, USUAL),
    Theme(uprobes::CASES, USUAL),
    Theme(hooks::CASES, USUAL),
    Theme(rings::CASES, USUAL),
    Theme(maps::CASES, USUAL),
    Theme(data::CASES, USUAL),
    Theme(objects::CASES, USUAL),
    Theme(struct_ops::CASES, USUAL),
    Theme(budget::CASES, USUAL),
    Theme(program::CASES, USUAL),
    Theme(examples::CASES, USUAL),
    // All sensors are unpacked, and the kernel's types searched for them, three times.
    Theme(checked::CASES, Duration::from_secs(60)),
    Theme(net::devices::CASES, USUAL),
    Theme(net::cgroups::CASES, USUAL),
    Theme(net::sockets::CASES, USUAL),
    Theme(net::links::CASES, USUAL),
    // The verifier looks at a hundred thousand instructions, several times; and what must not come
    // is waited for.
    Theme(isolate::CASES, Duration::from_secs(90)),
    Theme(watch::CASES, SENSING),
    Theme(watch::LONG, Duration::from_secs(900)),
    Theme(sensing::CASES, SENSING),
    Theme(checked::LONG, SENSING),
];

/// Each case, and how long it may take.
fn all() -> impl Iterator<Item = (&'static Case, Duration)> {
    let each = |Theme(cases, most): &'static Theme| cases.iter().map(move |case| (case, *most));
    THEMES.iter().flat_map(each)
}

/// The case of this name, and how long it may take.
fn find(name: &str) -> Option<(&'static Case, Duration)> {
    all().find(|(case, _)| case.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host computes its rows from this file, without a boot.
    const LISTED: &str = include_str!("../../loader.toml");

    #[test]
    fn the_list_for_the_host_agrees_with_the_table() {
        let listed = LISTED.lines().filter_map(|line| {
            let name = line.strip_prefix("name = \"")?;
            name.strip_suffix('"')
        });
        let table: Vec<_> = all().map(|(case, _)| case.name).collect();
        assert_eq!(
            listed.collect::<Vec<_>>(),
            table,
            "harness/guest/loader.toml needs one [[case]] for each, in this order"
        );
    }

    #[test]
    fn every_case_has_its_object() {
        for (case, _) in all() {
            let Some(object) = case.object else { continue };
            assert!(
                trapline_corpus::object(object).is_some(),
                "{}: there is no corpus object {object}",
                case.name
            );
        }
    }
}
