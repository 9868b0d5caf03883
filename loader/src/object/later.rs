//! Programs that are loaded later than the object: one by one, the first that a kernel
//! takes, or in portions.

use super::programs::{Waiting, Why};
use super::{LoadOptions, Object, Refused, hooks, values};
use crate::attach::Link;
use crate::error::{Error, Result, ResultExt};
use crate::kernel_btf::KernelBtf;
use crate::program::Program;
use crate::relo_core::Report;
use crate::spec::ObjectSpec;

/// What [`Object::attach_first`] ended with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attached {
    /// The program that could be loaded and attached.
    pub program: String,
    /// Its attachment.
    pub link: Link,
    /// Those before it, and why they could not.
    pub refused: Vec<Refused>,
}

impl Object {
    pub(super) fn load_automatic(&mut self, options: &LoadOptions) -> Result<()> {
        let Some(waiting) = &self.waiting else {
            return Ok(());
        };
        for program in waiting.automatic() {
            match self.load_waiting(&program, Why::Asked) {
                Err(error) if options.optional.contains(&program) => {
                    self.refused.push(Refused { program, error });
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Loads one program that is not loaded yet.
    ///
    /// # Errors
    /// As [`Object::load`], about this program alone; `NotFound` for a program
    /// that the object does not have, or that was refused before.
    pub fn load_program(&mut self, name: &str) -> Result<&Program> {
        if self.position(name).is_none() {
            self.load_waiting(name, Why::Asked)
                .with_context(|| format!("object {}", self.name))?;
        }
        self.program(name)
    }

    /// The same for a program that there is an alternative to: a refusal comes
    /// without the verifier's log, which takes several times as long as the
    /// refusal itself. A program that was refused can be loaded again, and the
    /// reason be had, by [`Object::load_program`].
    ///
    /// # Errors
    /// As [`Object::load_program`], but with `System` or `PermissionDenied`
    /// instead of `Rejected`.
    pub fn try_program(&mut self, name: &str) -> Result<&Program> {
        if self.position(name).is_none() {
            self.load_waiting(name, Why::NotAsked)
                .with_context(|| format!("object {}", self.name))?;
        }
        self.program(name)
    }

    /// Loads those of several programs that this kernel takes, on up to so many threads: the
    /// verifier keeps a processor busy with each. What is refused, or is not in the object,
    /// is no error here; [`Object::load_program`] and [`Object::try_program`] say why.
    ///
    /// # Errors
    /// `System` where a program that was loaded cannot be put into a map of programs that
    /// the object has filled with it.
    pub fn load_ahead(&mut self, names: &[&str], threads: usize) -> Result<()> {
        let is_new = |name: &&str| self.position(name).is_none();
        let names: Vec<&str> = names.iter().copied().filter(is_new).collect();
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let loaded = waiting.load_ahead(&names, &self.relocations, threads);
        if waiting.is_empty() {
            self.waiting = None;
        }
        for program in loaded {
            values::fill_program(&self.slots, &self.maps, &program)
                .with_context(|| format!("object {}", self.name))?;
            self.programs.push(program);
        }
        Ok(())
    }

    /// Loads and attaches the first of several programs that this kernel takes:
    /// the flavours of one hook, best first. Programs that are loaded already
    /// are only attached; one that loads but does not attach is unloaded, for
    /// good.
    ///
    /// # Errors
    /// The last program's error, with those before it named, when none works;
    /// `InvalidInput` for an empty list.
    pub fn attach_first(&mut self, names: &[&str]) -> Result<Attached> {
        let mut refused: Vec<Refused> = Vec::new();
        for name in names {
            match self.load_program(name).and_then(Program::attach) {
                Ok(link) => {
                    return Ok(Attached {
                        program: (*name).to_owned(),
                        link,
                        refused,
                    });
                }
                Err(error) => {
                    self.programs.retain(|program| program.name() != *name);
                    refused.push(Refused {
                        program: (*name).to_owned(),
                        error,
                    });
                }
            }
        }
        let last = refused
            .pop()
            .ok_or_else(|| Error::invalid_input("no program to choose from"))?;
        let before = refused.into_iter().rev();
        let error = before.fold(last.error, |error, refused| {
            error.context(format!("{}: {:#}", refused.program, refused.error))
        });
        Err(error.context(format!("none of {} could be attached", names.join(", "))))
    }

    /// Frees what is kept to load the remaining programs, and what became of their
    /// relocations; they cannot be loaded any more.
    pub fn forget_waiting(&mut self) {
        self.waiting = None;
        self.relocations = Report::default();
    }

    /// Loads more programs of the same file, with the maps and the BTF that are in the kernel
    /// already: so an object of many programs can be loaded in portions, each parsed by
    /// [`ObjectSpec::parse_programs`], and takes the memory of one.
    ///
    /// Of `options` those count that are about programs. Programs of before that still wait are
    /// forgotten, and [`Object::relocations`] are those of the new ones.
    ///
    /// # Errors
    /// `InvalidInput` when `spec` has other maps than this object, by name and order; otherwise as
    /// [`Object::load`]. What is loaded already stays.
    pub fn load_more(
        &mut self,
        spec: ObjectSpec,
        kernel: &mut KernelBtf,
        options: &LoadOptions,
    ) -> Result<()> {
        self.take(spec, kernel, options)
            .and_then(|()| self.load_automatic(options))
            .with_context(|| format!("object {}", self.name))
    }

    fn take(
        &mut self,
        mut spec: ObjectSpec,
        kernel: &mut KernelBtf,
        options: &LoadOptions,
    ) -> Result<()> {
        self.waiting = None;
        self.check_maps(&spec)?;
        let settled = hooks::resolve(&mut spec, kernel, options.kconfig.as_deref())?;
        spec.maps.clear();
        let btf = self.btf.clone();
        let waiting = Waiting::new(
            spec,
            settled.hooks,
            settled.externs,
            btf,
            &self.maps,
            options,
        )?;
        self.relocations = settled.report;
        self.waiting = Some(Box::new(waiting));
        Ok(())
    }

    /// By their places programs refer to maps.
    fn check_maps(&self, spec: &ObjectSpec) -> Result<()> {
        for (at, wanted) in spec.maps.iter().enumerate() {
            let name = self.maps.get(at).map_or("none", |map| map.name());
            if name != wanted.name {
                let text = format!(
                    "map {at} is {} in the specification, and {name} here",
                    wanted.name
                );
                return Err(Error::invalid_input(text));
            }
        }
        Ok(())
    }

    fn load_waiting(&mut self, name: &str, why: Why) -> Result<()> {
        let waiting = self.waiting.as_mut();
        let waiting =
            waiting.ok_or_else(|| Error::not_found(format!("no program {name} left to load")))?;
        let loaded = waiting.load(name, &self.relocations, why);
        if waiting.is_empty() {
            self.waiting = None;
        }
        let loaded = loaded?;
        values::fill_program(&self.slots, &self.maps, &loaded)?;
        self.programs.push(loaded);
        Ok(())
    }
}
