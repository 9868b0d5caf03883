//! One program out of its functions: the entry, then whatever it can reach.
//!
//! Subprograms are appended where the first call to them is met, depth first,
//! each once; calls and function addresses then become distances. Records of
//! `.BTF.ext` move along. Same order as libbpf, so that results compare.

mod loads;
mod records;

use self::records::Texts;
use super::code::{Code, Function};
use super::ext::Ext;
use super::externs::{ExternRef, Externs};
use super::places::MapPlaces;
use super::types::{CoreReloRef, MapRef};
use crate::btf::ObjectBtf;
use crate::elf::Elf;
use crate::error::{Error, Result, ResultExt};
use crate::ext_info::{FuncInfo, LineInfo, Records};
use crate::insn::{INSN_SIZE_BYTES, Insn};
use crate::order::{self, Key};

/// Everything that linking reads.
#[derive(Debug)]
pub(super) struct Inputs<'e, 'd> {
    pub elf: &'e Elf<'d>,
    pub code: Code<'e, 'd>,
    pub btf: Option<&'e ObjectBtf>,
    pub ext: Ext<'d>,
    pub maps: MapPlaces,
    pub externs: &'e Externs,
    /// Index of the map of configuration values, if there are any.
    pub kconfig_map: usize,
}

/// Output bytes that all programs of an object may take together. Many small
/// programs that share large subprograms could otherwise multiply a file.
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<()> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            Error::invalid_input("programs with their subprograms are too large together")
        })?;
        Ok(())
    }
}

/// What linking one program leaves to the next.
#[derive(Debug)]
pub(super) struct Workspace {
    budget: Budget,
    /// Of each function, its first slot in the program that is being linked.
    placed: Vec<Option<usize>>,
    texts: Texts,
}

impl Workspace {
    /// For programs of at most `max_bytes` together.
    pub fn new(max_bytes: usize, code: &Code<'_, '_>) -> Self {
        Self {
            budget: Budget(max_bytes),
            placed: vec![None; code.functions.len()],
            texts: Texts::default(),
        }
    }
}

/// A linked program.
#[derive(Debug)]
pub(super) struct Linked {
    pub insns: Vec<Insn>,
    pub map_refs: Vec<MapRef>,
    pub extern_refs: Vec<ExternRef>,
    pub core_relos: Vec<CoreReloRef>,
    pub func_info: Records<FuncInfo>,
    pub line_info: Records<LineInfo>,
    pub subprograms: Vec<(String, usize)>,
}

/// A program while its parts come together.
struct Linker<'a, 'e, 'd> {
    inputs: &'a Inputs<'e, 'd>,
    budget: &'a mut Budget,
    texts: &'a mut Texts,
    insns: Vec<Insn>,
    map_refs: Vec<MapRef>,
    extern_refs: Vec<ExternRef>,
    /// Of each function, its first slot in `insns`.
    placed: &'a mut [Option<usize>],
    /// The same of those that are placed, by slot.
    order: Vec<(usize, usize)>,
}

/// Links the function with this index as an entry program.
pub(super) fn link(
    inputs: &Inputs<'_, '_>,
    workspace: &mut Workspace,
    entry: usize,
) -> Result<Linked> {
    let mut linker = Linker {
        inputs,
        budget: &mut workspace.budget,
        texts: &mut workspace.texts,
        insns: Vec::new(),
        map_refs: Vec::new(),
        extern_refs: Vec::new(),
        placed: &mut workspace.placed,
        order: Vec::new(),
    };
    let linked = linker.link(entry);
    for (index, _) in linker.order {
        workspace.placed[index] = None;
    }
    linked
}

impl<'a, 'e, 'd> Linker<'a, 'e, 'd> {
    fn link(&mut self, entry: usize) -> Result<Linked> {
        self.place_all(entry)?;
        order::sort(&mut self.map_refs, |map_ref| {
            Key::number(map_ref.insn as u64)
        });
        order::sort(&mut self.extern_refs, |extern_ref| {
            Key::number(extern_ref.insn as u64)
        });
        let inputs = self.inputs;
        let func_info = self.records(&inputs.ext.functions)?;
        let line_info = self.records(&inputs.ext.lines)?;
        let core_relos = self.core_relos()?;
        let names = self.order.iter().filter_map(|&(index, start)| {
            let function = inputs.code.functions.get(index)?;
            Some((function.name.to_owned(), start))
        });
        let subprograms = names.collect();
        // There may be hundreds of programs, which are kept until they are loaded.
        self.insns.shrink_to_fit();
        Ok(Linked {
            insns: core::mem::take(&mut self.insns),
            map_refs: core::mem::take(&mut self.map_refs),
            extern_refs: core::mem::take(&mut self.extern_refs),
            core_relos,
            func_info,
            line_info,
            subprograms,
        })
    }

    /// Depth first with a stack of our own: how deep calls nest is up to the
    /// object.
    fn place_all(&mut self, entry: usize) -> Result<()> {
        self.place(entry)?;
        // Function, its slots still to look at.
        let mut stack = vec![(entry, 0)];
        while let Some((index, from)) = stack.pop() {
            let function = self.function(index)?;
            let next = self.next_reference(index, function, from);
            let called = next.with_context(|| format!("function {}", function.name))?;
            let Some((slot, callee)) = called else {
                continue;
            };
            stack.push((index, slot + 1));
            if self.placed[callee].is_none() {
                self.place(callee)?;
                stack.push((callee, 0));
            }
            self.point(index, slot, callee)?;
        }
        Ok(())
    }

    fn function(&self, index: usize) -> Result<&'a Function<'d>> {
        let function = self.inputs.code.functions.get(index);
        function.ok_or_else(|| Error::not_found(format!("function {index}")))
    }

    /// Appends a function's instructions and resolves what they load.
    fn place(&mut self, index: usize) -> Result<()> {
        let function = self.function(index)?;
        let insns = self.inputs.code.insns(function)?;
        let start = self.insns.len();
        self.budget
            .take(insns.len() * INSN_SIZE_BYTES + function.name.len())?;
        self.insns.extend(insns);
        self.placed[index] = Some(start);
        self.order.push((index, start));
        for relocation in self.inputs.code.relocations(function) {
            self.resolve(function, start, relocation).with_context(|| {
                format!(
                    "function {}, relocation at byte {}",
                    function.name, relocation.offset
                )
            })?;
        }
        Ok(())
    }

    /// The next call or function address of a function from a slot on: the
    /// slot, and the function it is about.
    fn next_reference(
        &self,
        index: usize,
        function: &Function<'_>,
        from: usize,
    ) -> Result<Option<(usize, usize)>> {
        let start = self.placed[index].unwrap_or(0);
        let body = start..start + function.slots.len();
        let body = self.insns.get(body).unwrap_or_default();
        let is_reference = |insn: &Insn| insn.is_subprog_call() || insn.is_func_address();
        let rest = body.get(from..).unwrap_or_default();
        let Some(slot) = rest.iter().position(is_reference) else {
            return Ok(None);
        };
        let slot = from + slot;
        let callee = self.callee(function, slot, body[slot])?;
        Ok(Some((slot, callee)))
    }

    fn callee(&self, function: &Function<'_>, slot: usize, insn: Insn) -> Result<usize> {
        let place = (function.slots.start + slot) * INSN_SIZE_BYTES;
        let relocations = self.inputs.code.relocations(function);
        let at = relocations.partition_point(|r| r.offset < place as u64);
        let relocation = relocations.get(at).filter(|r| r.offset == place as u64);
        let imm = i64::from(insn.imm);
        let (section, target) = match relocation {
            Some(relocation) => {
                let (_, symbol) = self.target(function, relocation)?;
                let section = symbol.section.unwrap_or(0);
                let unit = INSN_SIZE_BYTES as i64;
                // Past all sections it is past all functions.
                let value = i64::try_from(symbol.value).unwrap_or(i64::MAX / 2);
                if insn.is_func_address() {
                    (section, value.saturating_add(imm) / unit)
                } else {
                    (section, value / unit + imm + 1)
                }
            }
            // Same section: the distance is right as it stands.
            None => (
                function.section,
                (function.slots.start + slot) as i64 + imm + 1,
            ),
        };
        let found = usize::try_from(target).ok();
        let found = found.and_then(|slot| self.inputs.code.function_at(section, slot));
        found.ok_or_else(|| {
            let name = self.inputs.elf.section(section).map_or("", |s| s.name);
            Error::malformed(format!(
                "instruction {slot} calls instruction {target} of section {name}, where no function starts"
            ))
        })
    }

    /// Writes the distance from a reference to the function it is about.
    fn point(&mut self, index: usize, slot: usize, callee: usize) -> Result<()> {
        let (Some(from), Some(to)) = (self.placed[index], self.placed[callee]) else {
            return Err(Error::not_found(format!("function {callee}")));
        };
        let distance = to as i64 - (from + slot) as i64 - 1;
        let distance = i32::try_from(distance)
            .map_err(|_| Error::invalid_input("a call over more than 2^31 instructions"))?;
        if let Some(insn) = self.insns.get_mut(from + slot) {
            insn.imm = distance;
        }
        Ok(())
    }
}
