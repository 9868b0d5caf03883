//! What a program's instructions load: the addresses of maps, variables and functions, and
//! what the kernel brings for an extern. Each relocation marks one instruction with it.

use super::Linker;
use crate::elf::{Relocation, Symbol};
use crate::error::{Error, Result};
use crate::insn::{INSN_SIZE_BYTES, Insn, pseudo};
use crate::spec::code::Function;
use crate::spec::externs::{ExternKind, ExternRef};
use crate::spec::types::MapRef;

impl<'d> Linker<'_, '_, 'd> {
    /// Applies one relocation to the copy of `function` at `start`.
    pub(super) fn resolve(
        &mut self,
        function: &Function<'_>,
        start: usize,
        relocation: &Relocation,
    ) -> Result<()> {
        let (slot, symbol) = self.target(function, relocation)?;
        let at = start + slot;
        let Some(insn) = self.insns.get(at).copied() else {
            return Err(Error::malformed("past the function's end"));
        };
        if symbol.is_extern() {
            return self.refer_to_extern(at, insn, &symbol);
        }
        if insn.is_subprog_call() {
            return Ok(());
        }
        if !self.is_plain_load(at) {
            return Err(Error::malformed(format!("against instruction {insn:?}")));
        }
        let section = symbol
            .section
            .ok_or_else(|| Error::malformed(format!("symbol {} has no section", symbol.name)))?;
        if self
            .inputs
            .elf
            .section(section)
            .is_some_and(|s| s.is_code())
        {
            // The distance is known once the function is placed.
            self.insns[at].set_src(pseudo::FUNC);
            return Ok(());
        }
        self.load_map(at, section, &symbol)
    }

    /// Marks the call or load at `at` as one of an extern.
    fn refer_to_extern(&mut self, at: usize, insn: Insn, symbol: &Symbol<'_>) -> Result<()> {
        let externs = self.inputs.externs;
        let missing = || Error::malformed(format!("extern {} has no name", symbol.index));
        let place = externs.place_of(symbol.index).ok_or_else(missing)?.as_ref();
        let &index = place.map_err(|reason| Error::not_found(reason.clone()))?;
        self.budget.take(size_of::<ExternRef>())?;
        self.extern_refs.push(ExternRef { insn: at, index });
        let misfit = || {
            let name = symbol.name;
            Err(Error::malformed(format!(
                "{insn:?} refers to extern {name}"
            )))
        };
        match externs.specs.get(index).map(|spec| &spec.kind) {
            Some(ExternKind::Function) if insn.is_subprog_call() => {
                self.insns[at].set_src(pseudo::KFUNC_CALL);
                self.insns[at].imm = 0;
                Ok(())
            }
            Some(_) if !self.is_plain_load(at) => misfit(),
            Some(ExternKind::Kconfig(kconfig)) => {
                let addend = u32::try_from(insn.imm).ok();
                let Some(addend) = addend.filter(|&addend| addend <= kconfig.size) else {
                    return misfit();
                };
                self.load_value(at, self.inputs.kconfig_map, kconfig.offset + addend)
            }
            // What follows a symbol without a type is at its address; in all
            // else BTF, not a number, says what is where.
            Some(ExternKind::Symbol) => Ok(()),
            Some(_) if insn.imm == 0 => Ok(()),
            _ => misfit(),
        }
    }

    /// Both halves of an `ldimm64`?
    fn is_plain_load(&self, at: usize) -> bool {
        let is_low = self.insns.get(at).is_some_and(|low| low.is_ldimm64());
        is_low && self.insns.get(at + 1).is_some_and(|high| high.code == 0)
    }

    /// The slot inside its function that a relocation patches, its symbol.
    pub(super) fn target(
        &self,
        function: &Function<'_>,
        relocation: &Relocation,
    ) -> Result<(usize, Symbol<'d>)> {
        let slot = relocation.offset / INSN_SIZE_BYTES as u64;
        let slot = (slot as usize).checked_sub(function.slots.start);
        let symbol = self.inputs.elf.symbol(relocation.symbol);
        match (slot, symbol) {
            (Some(slot), Some(symbol)) if relocation.offset % INSN_SIZE_BYTES as u64 == 0 => {
                Ok((slot, symbol))
            }
            _ => Err(Error::malformed(format!(
                "symbol {} or its place does not exist",
                relocation.symbol
            ))),
        }
    }

    /// Marks the `ldimm64` at `at` as a map, or as a byte of a data map.
    fn load_map(&mut self, at: usize, section: usize, symbol: &Symbol<'_>) -> Result<()> {
        let places = &self.inputs.maps;
        let because = |reason: &String| Error::not_found(reason.clone());
        if let Some(data) = places.data(section) {
            let &(map, size_bytes, _) = data.as_ref().map_err(because)?;
            // Section symbols carry the offset in the instruction.
            let addend = i64::from(self.insns[at].imm);
            let offset = symbol.value.checked_add_signed(addend);
            let offset = offset.and_then(|offset| u32::try_from(offset).ok());
            let offset = offset
                .filter(|&offset| offset <= size_bytes)
                .ok_or_else(|| {
                    Error::malformed(format!("{} lies outside of its section", symbol.name))
                })?;
            return self.load_value(at, map, offset);
        }
        let Some(map) = places.defined(section, symbol.value) else {
            let name = self.inputs.elf.section(section).map_or("", |s| s.name);
            return Err(Error::not_found(format!(
                "symbol {} in section {name} is no map, variable or function",
                symbol.name
            )));
        };
        let &map = map.as_ref().map_err(because)?;
        self.budget.take(size_of::<MapRef>())?;
        self.insns[at].set_src(pseudo::MAP_FD);
        self.insns[at].imm = 0;
        self.map_refs.push(MapRef {
            insn: at,
            map,
            value_offset: None,
        });
        Ok(())
    }

    /// Makes the `ldimm64` at `at` the address of a byte in a map's only value.
    fn load_value(&mut self, at: usize, map: usize, offset: u32) -> Result<()> {
        self.budget.take(size_of::<MapRef>())?;
        self.insns[at].set_src(pseudo::MAP_VALUE);
        self.insns[at].imm = 0;
        self.insns[at + 1].imm = offset as i32;
        self.map_refs.push(MapRef {
            insn: at,
            map,
            value_offset: Some(offset),
        });
        Ok(())
    }
}
