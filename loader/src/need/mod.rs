//! What an object needs of a kernel: features, and the versions that brought
//! them.
//!
//! Read off the object alone, on any host and without privileges. A version says
//! since when a kernel can have a feature; configuration and backports decide
//! whether one does, which only trying tells.
//!
//! ```
//! # use trapline_loader::spec::ObjectSpec;
//! use trapline_loader::need::Version;
//!
//! # fn main() -> trapline_loader::Result<()> {
//! # let bytes = trapline_sensors::objects::FILE.unpack()?;
//! let spec = ObjectSpec::parse("file.bpf.o", &bytes)?;
//! for need in spec.needs() {
//!     let must = if need.required { "needs" } else { "can use" };
//!     println!("{must} {} of Linux {}", need.feature, need.since);
//! }
//! # assert!(spec.needs().iter().any(|need| need.since == Version(5, 8)));
//! assert_eq!(Version(5, 8).to_string(), "5.8");
//! # Ok(()) }
//! ```

mod helpers;
mod insns;
mod types;

pub use helpers::helper;
pub use types::{map_type, program_type};

use crate::btf::{Kind, Types};
use crate::insn::Insn;
use crate::spec::{ExternKind, MapKind, MapSpec, ObjectSpec, ProgramSpec};
use core::fmt;
use std::collections::BTreeMap;

/// A kernel version: 5.8 is `Version(5, 8)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16, pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// One feature that an object uses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Need {
    /// The feature, in the kernel's own terms.
    pub feature: String,
    /// The kernel that brought it.
    pub since: Version,
    /// Is there no doing without it? There is where only programs use it that
    /// are not loaded without being asked, where it is a weak extern, and where
    /// an older kernel is given something in its place.
    pub required: bool,
    /// The programs and maps that use it, in the object's order.
    pub users: Vec<String>,
}

/// Needs while they are collected, by version and feature.
#[derive(Debug, Default)]
struct Needs(BTreeMap<(Version, String), (bool, Vec<String>)>);

impl Needs {
    fn add(&mut self, since: Version, feature: impl Into<String>, required: bool, user: &str) {
        let entry = self.0.entry((since, feature.into())).or_default();
        entry.0 |= required;
        if !user.is_empty() && entry.1.last().is_none_or(|last| last != user) {
            entry.1.push(user.to_owned());
        }
    }

    fn map(&mut self, map: &MapSpec) {
        let mut add = |since, feature: &str, required| {
            self.add(since, feature, required, &map.name);
        };
        if let Some((name, since)) = map_type(map.map_type) {
            add(since, &name, true);
        }
        for (name, since) in types::map_flags(map.flags) {
            // Global data is made without where it cannot be mapped.
            let is_data = map.kind != MapKind::Defined;
            add(since, name, !(is_data && name == "BPF_F_MMAPABLE"));
        }
        if map.numa_node.is_some() {
            add(Version(4, 14), "BPF_F_NUMA_NODE", true);
        }
        if map.map_extra != 0 {
            add(Version(5, 16), "map_extra", true);
        }
    }

    fn program(&mut self, program: &ProgramSpec) {
        let kind = &program.kind;
        let required = kind.autoload;
        let mut add = |since, feature: &str| self.add(since, feature, required, &program.name);
        if let Some((name, since)) = program_type(kind.prog_type) {
            add(since, &name);
        }
        if let Some((name, since)) = types::attach_type(kind.expected_attach_type) {
            add(since, name);
        }
        if program.section.trim_start_matches('?').starts_with("tcx") {
            add(Version(6, 6), "tcx");
        }
        if kind.sleepable {
            let (since, what) = sleepable(&program.section);
            add(since, what);
        }
        if kind.xdp_frags {
            add(Version(5, 18), "BPF_F_XDP_HAS_FRAGS");
        }
        if !program.core_relos.is_empty() {
            add(Version(5, 4), "kernel BTF, or a file of it");
        }
        let mut found = insns::Found::default();
        found.scan(&program.insns);
        for (since, feature) in found.features {
            add(since, feature);
        }
        for (name, since) in found.helpers.into_iter().filter_map(helper) {
            add(since, &name);
        }
    }
}

/// The numbers of the helper functions that instructions call.
pub(crate) fn helpers_called(insns: &[Insn]) -> impl Iterator<Item = i32> + '_ {
    // The second half of an ldimm64 has no code, so it looks like no call.
    let calls = insns.iter().filter(|insn| insn.is_helper_call());
    calls.map(|insn| insn.imm)
}

/// Since when programs of a section may sleep.
fn sleepable(section: &str) -> (Version, &'static str) {
    let section = section.trim_start_matches('?');
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| section.starts_with(prefix));
    if is(&["uprobe", "uretprobe", "usdt"]) {
        (Version(6, 0), "sleepable uprobes")
    } else if is(&["iter"]) {
        (Version(5, 18), "sleepable iterators")
    } else if is(&["tp", "tracepoint", "raw_t"]) {
        (Version(7, 2), "sleepable tracepoints")
    } else {
        (Version(5, 10), "sleepable programs")
    }
}

/// Kinds of types in an object's own BTF that older kernels do not read. They
/// are given others of the same size, so none is required.
const KINDS: &[(Kind, &str, Version)] = &[
    (Kind::Func, "BTF_KIND_FUNC", Version(5, 0)),
    (Kind::DataSec, "BTF_KIND_DATASEC", Version(5, 2)),
    (Kind::Float, "BTF_KIND_FLOAT", Version(5, 13)),
    (Kind::DeclTag, "BTF_KIND_DECL_TAG", Version(5, 16)),
    (Kind::TypeTag, "BTF_KIND_TYPE_TAG", Version(5, 17)),
    (Kind::Enum64, "BTF_KIND_ENUM64", Version(6, 0)),
];

impl ObjectSpec {
    /// What the object needs of a kernel, oldest feature first.
    ///
    /// Says nothing of what the verifier of a version can follow, nor of hooks
    /// and fields: those are a matter of the kernel's types.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = Needs::default();
        for map in &self.maps {
            needs.map(map);
        }
        for program in &self.programs {
            needs.program(program);
        }
        for wanted in &self.externs {
            let required = !wanted.is_weak;
            match wanted.kind {
                ExternKind::Function => {
                    let feature = format!("kfunc {}", wanted.name);
                    needs.add(Version(5, 13), feature, required, "");
                }
                ExternKind::Variable => {
                    let feature = format!("kernel variable {}", wanted.name);
                    needs.add(Version(5, 10), feature, required, "");
                }
                // A configuration has no version, and a symbol has its own.
                _ => {}
            }
        }
        let types = self.btf.iter().flat_map(|btf| {
            let types = btf.ids().filter_map(|id| btf.type_by_id(id).ok());
            types.map(|ty| ty.kind())
        });
        let mut kinds: Vec<Kind> = types.collect();
        kinds.sort_unstable();
        kinds.dedup();
        for (kind, name, since) in KINDS {
            if kinds.contains(kind) {
                needs.add(*since, *name, false, "");
            }
        }
        let need = |((since, feature), (required, users))| Need {
            feature,
            since,
            required,
            users,
        };
        needs.0.into_iter().map(need).collect()
    }
}
