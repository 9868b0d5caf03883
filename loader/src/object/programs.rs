//! Loading the programs of an object.

use super::arg_ctx;
use super::externs::Answers;
use super::hooks::{self, Hook};
use super::refusal::{LOG_LEVEL_STATS, Refusal, load_with_log};
use super::{AttachTarget, LoadOptions, btf, kernel_name, kinds};
use crate::attach::{UsdtMaps, lacking, uprobe_multi};
use crate::error::{Error, Result, ResultExt};
use crate::insn::Insn;
use crate::map::Map;
use crate::memlock::with_memlock;
use crate::program::Program;
use crate::relo_core::Report;
use crate::spec::{AttachSpec, MapRef, ObjectSpec, ProgramKind, ProgramSpec};
use crate::sys::{self, Errno, ExtRecords, Log};
use crate::verifier::{self, VerifierStats};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

/// BPF_F_SLEEPABLE.
pub(super) const SLEEPABLE: u32 = 1 << 4;
/// BPF_F_XDP_HAS_FRAGS. Kernel: 5.18
pub(super) const XDP_HAS_FRAGS: u32 = 1 << 5;
/// Statistics are three lines, but there is one more for each call of a global
/// function that the verifier comes by.
const STATS_BYTES: usize = 128 << 10;

/// Programs that are not loaded yet, with all that loading them takes.
pub(super) struct Waiting {
    /// Without maps and programs; it still knows names, types and lines.
    spec: ObjectSpec,
    pub(super) programs: Vec<Unloaded>,
    /// Keeps the modules' BTF open that instructions refer to.
    externs: Answers,
    btf: Arc<btf::Loaded>,
    license: CString,
    want_stats: bool,
    targets: Vec<AttachTarget>,
    /// Where static probes are described to programs that ask.
    usdt: Option<Arc<UsdtMaps>>,
}

/// One of them.
pub(super) struct Unloaded {
    /// Its index in the object, by which the report knows it.
    pub(super) index: usize,
    pub(super) program: ProgramSpec,
    hook: Hook,
}

/// A program that was loaded, and what the verifier counted if it was asked.
type Loaded = (OwnedFd, Option<VerifierStats>);

/// Whether the verifier is asked why, when it refuses a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is: by loading once more, with a log.
    Asked,
    /// It is not.
    NotAsked,
}

impl Waiting {
    /// Takes the programs of `spec`, whose maps are `maps`.
    pub(super) fn new(
        mut spec: ObjectSpec,
        hooks: Vec<Hook>,
        externs: Answers,
        btf: Arc<btf::Loaded>,
        maps: &[Map],
        options: &LoadOptions,
    ) -> Result<Self> {
        let license = CString::new(spec.license.as_str())
            .map_err(|_| Error::malformed("a license with a NUL inside"))?;
        btf.suit(&mut spec);
        let programs = core::mem::take(&mut spec.programs).into_iter().zip(hooks);
        let unloaded = |(index, (mut program, hook)): (usize, (ProgramSpec, Hook))| {
            relocate_maps(&mut program.insns, &program.map_refs, maps)
                .with_context(|| format!("program {}", program.name))?;
            Ok(Unloaded {
                index,
                program,
                hook,
            })
        };
        let programs = programs.enumerate().map(unloaded).collect::<Result<_>>()?;
        let want_stats = options.want_stats;
        Ok(Self {
            spec,
            programs,
            externs,
            btf,
            license,
            want_stats,
            targets: options.targets.clone(),
            usdt: UsdtMaps::of(maps)?.map(Arc::new),
        })
    }

    /// The programs to load without being asked.
    pub(super) fn automatic(&self) -> Vec<String> {
        let programs = self.programs.iter().map(|unloaded| &unloaded.program);
        let automatic = programs.filter(|program| program.kind.autoload);
        automatic.map(|program| program.name.clone()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Loads the program of that name. Once it is loaded it is gone from here;
    /// one that is refused stays.
    pub(super) fn load(&mut self, name: &str, report: &Report, why: Why) -> Result<Program> {
        let named = |unloaded: &Unloaded| unloaded.program.name == name;
        let Some(at) = self.programs.iter().position(named) else {
            let names = self
                .programs
                .iter()
                .map(|unloaded| unloaded.program.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Error::not_found(format!("no program {name} among {names}")));
        };
        let unloaded = &self.programs[at];
        let loaded = self.load_one(unloaded, report, why).with_context(|| {
            format!(
                "program {} ({})",
                unloaded.program.name, unloaded.program.section
            )
        })?;
        self.programs.remove(at);
        Ok(loaded)
    }

    pub(super) fn load_one(
        &self,
        unloaded: &Unloaded,
        report: &Report,
        why: Why,
    ) -> Result<Program> {
        let Unloaded {
            index,
            program,
            hook,
        } = unloaded;
        if let Some(failure) = report.failure(*index) {
            // It stays in the report, for who asks again.
            return Err(Error::new(failure.kind(), format!("{failure:#}")));
        }
        let kind = &program.kind;
        let is_table = matches!(kind.attach, AttachSpec::StructOps { .. });
        let target =
            AttachTarget::find(&self.targets, &program.name, kind.prog_type, &kind.attach)?;
        let (attach_btf_id, attach_fd) = match (target, hook) {
            (Some((program, id)), _) => (id, Some(program)),
            (None, Hook::Untyped) if is_table => {
                let text = "no table of .struct_ops that was created holds it";
                return Err(Error::invalid_input(text));
            }
            (None, Hook::Untyped) => (0, None),
            (None, Hook::Type { id, module }) => (*id, module.as_ref().map(|fd| fd.as_fd())),
            (None, Hook::Missing) => return Err(hooks::missing(&kind.attach)),
            (None, Hook::Unreadable(why)) => return Err(Error::not_found(why.clone())),
        };
        let module_fds = self.externs.module_fds();
        let load = sys::ProgLoad {
            prog_type: program.kind.prog_type,
            expected_attach_type: expected_attach_type(kind),
            prog_flags: flags(&program.kind),
            kern_version: self.spec.kernel_version.unwrap_or(0),
            name: kernel_name(&program.name),
            license: &self.license,
            insns: &program.insns,
            btf: self.btf.fd.as_ref().map(AsFd::as_fd),
            func_info: ExtRecords {
                rec_bytes: program.func_info.rec_size(),
                bytes: program.func_info.as_bytes(),
            },
            line_info: ExtRecords {
                rec_bytes: program.line_info.rec_size(),
                bytes: program.line_info.as_bytes(),
            },
            attach_btf_id,
            attach_fd,
            fd_array: &module_fds,
        };
        let attach_type = load.expected_attach_type;
        let made = |fd, stats| {
            let made = Program::new(program, attach_type, fd, stats);
            made.with_usdt(self.usdt.clone())
        };
        let mut retyped = None;
        let (load, first) = self.first_attempts(program, load, &mut retyped);
        let errno = match first {
            Ok((fd, stats)) => return Ok(made(fd, stats)),
            Err(errno) if why == Why::NotAsked => {
                return Err(errno.error("BPF_PROG_LOAD, not asked why"));
            }
            Err(errno) => errno,
        };
        match load_with_log(&load, errno) {
            Ok(fd) => Ok(made(fd, None)),
            Err(refusal) if refusal.errno == Errno::INVAL => {
                // Mostly before the verifier had a look, so without a word.
                let silent = refusal.log.is_empty();
                let lacks = silent.then(|| kinds::lacking(kind)).flatten();
                let lacks = lacks.or_else(|| lacking(kind.expected_attach_type));
                Err(lacks.unwrap_or_else(|| self.explain(refusal, unloaded, report)))
            }
            Err(refusal) => Err(self.explain(refusal, unloaded, report)),
        }
    }

    fn explain(&self, refusal: Refusal, unloaded: &Unloaded, report: &Report) -> Error {
        let relocation = |insn| report.at(unloaded.index, insn);
        refusal.explain(&self.spec, &unloaded.program, relocation)
    }

    /// Loads without a log; where that is refused, once more with types that say
    /// what tags say. Also tells what was loaded at last.
    fn first_attempts<'l>(
        &self,
        program: &ProgramSpec,
        load: sys::ProgLoad<'l>,
        retyped: &'l mut Option<arg_ctx::Retyped>,
    ) -> (sys::ProgLoad<'l>, sys::Result<Loaded>) {
        let first = self.first_attempt(&load);
        if matches!(first, Err(Errno::INVAL | Errno::ACCES)) {
            *retyped = arg_ctx::load(&self.spec, program);
        }
        let Some(arg_ctx::Retyped { btf, func_info }) = &*retyped else {
            return (load, first);
        };
        let load = sys::ProgLoad {
            btf: Some(btf.as_fd()),
            func_info: ExtRecords {
                rec_bytes: func_info.rec_size(),
                bytes: func_info.as_bytes(),
            },
            ..load
        };
        (load, self.first_attempt(&load))
    }

    /// Loads without a log, or with the statistics alone.
    fn first_attempt(&self, load: &sys::ProgLoad<'_>) -> sys::Result<Loaded> {
        if self.want_stats {
            let mut buffer = vec![0; STATS_BYTES];
            let loaded = with_memlock(|| {
                let level = LOG_LEVEL_STATS;
                let mut log = Log {
                    level,
                    buffer: &mut buffer,
                    true_bytes: 0,
                };
                sys::prog_load(load, Some(&mut log))
            });
            match loaded {
                // The program was accepted, its statistics have no room: newer
                // kernels tell the same figure otherwise.
                Err(Errno::NOSPC) => {}
                loaded => {
                    let stats = || VerifierStats::parse(&verifier::text(&buffer));
                    return loaded.map(|fd| (fd, stats()));
                }
            }
        }
        with_memlock(|| sys::prog_load(load, None)).map(|fd| (fd, None))
    }
}

/// The attach type to load a kind of program for. A program of static probes is
/// loaded for one link to all their places where the kernel has those.
fn expected_attach_type(kind: &ProgramKind) -> u32 {
    match kind.attach {
        AttachSpec::Usdt { .. } if uprobe_multi::is_complete() => uprobe_multi::UPROBE_MULTI,
        _ => kind.expected_attach_type,
    }
}

/// The kernel's flags for a kind of program.
fn flags(kind: &ProgramKind) -> u32 {
    let sleepable = if kind.sleepable { SLEEPABLE } else { 0 };
    let frags = if kind.xdp_frags { XDP_HAS_FRAGS } else { 0 };
    sleepable | frags
}

/// Puts the descriptors of the maps into the instructions.
fn relocate_maps(insns: &mut [Insn], map_refs: &[MapRef], maps: &[Map]) -> Result<()> {
    for reference in map_refs {
        let map = maps.get(reference.map);
        let place = insns
            .get_mut(reference.insn)
            .filter(|insn| insn.is_ldimm64());
        let (Some(map), Some(place)) = (map, place) else {
            let MapRef { insn, map, .. } = reference;
            let cause = format!("instruction {insn} refers to map {map} of {}", maps.len());
            return Err(Error::invalid_input(cause));
        };
        place.imm = map.as_fd().as_raw_fd();
        let base = i32::try_from(map.variables_base()).unwrap_or(i32::MAX);
        if let Some(high) = insns
            .get_mut(reference.insn + 1)
            .filter(|_| reference.value_offset.is_some())
        {
            high.imm = high.imm.wrapping_add(base);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_a_map_that_is_not_there_is_an_error() {
        let mut insns = Insn::ldimm64(1, 1, 0);
        let reference = MapRef {
            insn: 0,
            map: 3,
            value_offset: None,
        };
        let error = relocate_maps(&mut insns, &[reference], &[]).unwrap_err();
        assert_eq!(error.to_string(), "instruction 0 refers to map 3 of 0");
    }
}
