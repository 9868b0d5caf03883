//! One object against one kernel's types.

use trapline_loader::Result;
use trapline_loader::btf::{Kind, Target};
use trapline_loader::reach::reachable;
use trapline_loader::relo_core::{Relocated, Report, absence, relocate};
use trapline_loader::spec::{ExternSpec, ObjectSpec, ProgramSpec};

use crate::files::NamedBtf;

/// How an object fares against one BTF.
#[derive(Debug)]
pub struct Examined {
    /// What to call the kernel.
    pub kernel: String,
    /// All relocations, by program and instruction.
    pub relocations: Vec<Relocation>,
    /// The hooks that types stand for.
    pub hooks: Vec<Hook>,
    /// Kernel functions and variables that are not in these types: they may be
    /// in a module's.
    pub absent_externs: Vec<String>,
    /// Programs with a relocation that cannot be applied, and why.
    pub failed: Vec<Failed>,
}

/// One relocation and its end.
#[derive(Debug)]
pub struct Relocation {
    pub program: String,
    pub insn: usize,
    pub about: String,
    pub end: End,
    /// Is the program loaded without being asked?
    pub autoload: bool,
    /// Where it stands in C, where there are source lines.
    pub source: Option<Source>,
}

/// A place in C.
#[derive(Debug)]
pub struct Source {
    pub file: String,
    pub line: u32,
    pub text: String,
}

/// How a relocation ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With a value.
    Value(u64),
    /// Without one, where the program does not come.
    Guarded(Absent),
    /// Without one, where the program may come: the verifier then refuses it.
    Absent(Absent),
}

/// Why there is no value.
#[derive(Debug, PartialEq, Eq)]
pub struct Absent {
    pub reason: String,
    pub similar: Vec<String>,
}

/// A hook that is a type of the kernel.
#[derive(Debug)]
pub struct Hook {
    pub program: String,
    pub section: String,
    pub autoload: bool,
    pub is_there: bool,
}

/// A program that cannot be relocated.
#[derive(Debug)]
pub struct Failed {
    pub program: String,
    pub autoload: bool,
    pub error: String,
}

impl Examined {
    /// Relocates a copy of the object, and looks for its hooks.
    ///
    /// # Errors
    /// BTF that cannot be read.
    pub fn new(spec: &ObjectSpec, named: &mut NamedBtf) -> Result<Self> {
        let target = named.btf.target()?;
        let mut patched = spec.clone();
        let report = relocate(&mut patched, target)?;
        let failed = report.failed.iter().filter_map(|(index, error)| {
            let program = spec.programs.get(*index)?;
            Some(Failed {
                program: program.name.clone(),
                autoload: program.kind.autoload,
                error: format!("{error:#}"),
            })
        });
        Ok(Self {
            kernel: named.name.clone(),
            failed: failed.collect(),
            relocations: relocations(spec, &patched, &report, target)?,
            hooks: hooks(spec, target)?,
            absent_externs: absent_externs(spec, target)?,
        })
    }

    /// Will every program load that is loaded without being asked, as far as
    /// this can be told?
    pub fn is_good(&self) -> bool {
        let relocations = self.relocations.iter();
        let mut absent = relocations.filter(|r| r.autoload && matches!(r.end, End::Absent(_)));
        let mut missing = self.hooks.iter().filter(|h| h.autoload && !h.is_there);
        let mut failed = self.failed.iter().filter(|f| f.autoload);
        absent.next().is_none() && missing.next().is_none() && failed.next().is_none()
    }
}

fn relocations(
    spec: &ObjectSpec,
    patched: &ObjectSpec,
    report: &Report,
    target: &mut Target<'_>,
) -> Result<Vec<Relocation>> {
    let mut all = Vec::new();
    for (index, program) in spec.programs.iter().enumerate() {
        let own = report.relocations.iter().filter(|r| r.program == index);
        let own: Vec<&Relocated> = own.collect();
        let reached = match own.iter().any(|r| r.poisoned) {
            true => reachable(patched, &patched.programs[index]),
            false => Vec::new(),
        };
        for relocated in own {
            let end = match relocated.poisoned {
                false => End::Value(relocated.new),
                true => {
                    let absent = absent(spec, program, relocated, target)?;
                    match reached.get(relocated.insn) {
                        Some(false) => End::Guarded(absent),
                        _ => End::Absent(absent),
                    }
                }
            };
            all.push(Relocation {
                program: program.name.clone(),
                insn: relocated.insn,
                about: relocated.description.to_string(),
                end,
                autoload: program.kind.autoload,
                source: source(spec, program, relocated),
            });
        }
    }
    Ok(all)
}

/// The line of C that a relocation stands in.
fn source(spec: &ObjectSpec, program: &ProgramSpec, relocated: &Relocated) -> Option<Source> {
    let (file, line, text) = spec.line_at(program, relocated.insn)?;
    Some(Source { file, line, text })
}

fn absent(
    spec: &ObjectSpec,
    program: &ProgramSpec,
    relocated: &Relocated,
    target: &mut Target<'_>,
) -> Result<Absent> {
    let mut relos = program.core_relos.iter();
    let relo = relos.find(|relo| relo.insn == relocated.insn);
    let found = match relo {
        Some(relo) => absence(spec, relo, target)?,
        None => None,
    };
    Ok(match found {
        Some(found) => Absent {
            reason: found.reason,
            similar: found.similar,
        },
        None => Absent {
            reason: "it is there, but its size does not suit the instruction".to_owned(),
            similar: Vec::new(),
        },
    })
}

fn absent_externs(spec: &ObjectSpec, target: &mut Target<'_>) -> Result<Vec<String>> {
    let mut wanted = Vec::new();
    for external in &spec.externs {
        if let Some((kind, name)) = external.kernel_type() {
            wanted.push((external, kind, name));
        }
    }
    let types: Vec<_> = wanted
        .iter()
        .map(|(_, kind, name)| (*kind, &**name))
        .collect();
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let found = target.find(&types)?;
    let absent = wanted.iter().zip(found).filter(|(_, ids)| ids.is_empty());
    let text = |((external, kind, _), _): (&(&ExternSpec, Kind, String), _)| {
        let what = if *kind == Kind::Func {
            "kfunc"
        } else {
            "variable"
        };
        let weak = if external.is_weak { " (weak)" } else { "" };
        format!("{what} {}{weak}", external.name)
    };
    Ok(absent.map(text).collect())
}

fn hooks(spec: &ObjectSpec, target: &mut Target<'_>) -> Result<Vec<Hook>> {
    let programs = spec.programs.iter();
    let hooked: Vec<_> = programs
        .filter_map(|program| Some((program, program.kind.attach.kernel_type()?)))
        .collect();
    let types = hooked.iter().map(|(_, (kind, name))| (*kind, &**name));
    let types: Vec<_> = types.collect();
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let found = target.find(&types)?;
    let hook = |((program, _), ids): (&(&ProgramSpec, _), Vec<u32>)| Hook {
        program: program.name.clone(),
        section: program.section.clone(),
        autoload: program.kind.autoload,
        is_there: !ids.is_empty(),
    };
    Ok(hooked.iter().zip(found).map(hook).collect())
}
