//! Functions of an object: where each lies, and what its instructions name.

use core::ops::Range;

use crate::elf::{Elf, Relocation};
use crate::error::{Error, Result, ResultExt};
use crate::insn::{self, INSN_SIZE_BYTES, Insn};
use crate::order::{self, Key};

/// One function symbol.
#[derive(Clone, Debug)]
pub(super) struct Function<'d> {
    pub name: &'d str,
    pub section: usize,
    /// Instruction slots in its section.
    pub slots: Range<usize>,
    pub is_global: bool,
}

/// All functions, by section and slot, with the relocations of their code.
#[derive(Debug)]
pub(super) struct Code<'e, 'd> {
    elf: &'e Elf<'d>,
    pub functions: Vec<Function<'d>>,
    /// Relocations by section, sorted by offset.
    relocations: Vec<Vec<Relocation>>,
}

impl<'e, 'd> Code<'e, 'd> {
    /// Functions that do not lie whole in their section are reported to
    /// `skip` and left out.
    pub fn new(elf: &'e Elf<'d>, mut skip: impl FnMut(&str, Error)) -> Result<Self> {
        let mut functions = Vec::new();
        for symbol in elf.symbols().filter(|symbol| symbol.is_function()) {
            let place = symbol.section.and_then(|i| Some((i, elf.section(i)?)));
            let Some((index, section)) = place else {
                continue;
            };
            if !section.is_code() {
                continue;
            }
            let (start, end) = (symbol.value, symbol.value.checked_add(symbol.size));
            let size = section.data.len() as u64;
            let unit = INSN_SIZE_BYTES as u64;
            match end {
                Some(end) if start < end && end <= size && start % unit == 0 && end % unit == 0 => {
                    functions.push(Function {
                        name: symbol.name,
                        section: index,
                        slots: (start / unit) as usize..(end / unit) as usize,
                        is_global: symbol.is_global,
                    });
                }
                _ => skip(
                    symbol.name,
                    Error::malformed(format!(
                        "{} bytes at byte {start} of section {} with {size} bytes",
                        symbol.size, section.name
                    )),
                ),
            }
        }
        order::sort(&mut functions, |function| {
            Key::number(function.slots.start as u64)
        });
        order::sort(&mut functions, |function| {
            Key::number(function.section as u64)
        });
        let mut relocations = Vec::with_capacity(elf.sections.len());
        for (index, section) in elf.sections.iter().enumerate() {
            relocations.push(match section.is_code() {
                true => elf
                    .relocations(index)
                    .with_context(|| format!("section {}", section.name))?,
                false => Vec::new(),
            });
        }
        Ok(Self {
            elf,
            functions,
            relocations,
        })
    }

    /// The function that starts at a slot of a section.
    pub fn function_at(&self, section: usize, slot: usize) -> Option<usize> {
        let key = (section, slot);
        let place = |function: &Function<'_>| (function.section, function.slots.start);
        let at = self.functions.partition_point(|f| place(f) < key);
        (place(self.functions.get(at)?) == key).then_some(at)
    }

    /// The instructions of a function, as the compiler left them.
    pub fn insns(&self, function: &Function<'_>) -> Result<Vec<Insn>> {
        let bytes = function.slots.start * INSN_SIZE_BYTES..function.slots.end * INSN_SIZE_BYTES;
        let section = self.elf.section(function.section);
        let data = section.and_then(|section| section.data.get(bytes));
        insn::from_bytes(data.unwrap_or_default())
    }

    /// The relocations of a function's code, by slot of its section.
    pub fn relocations(&self, function: &Function<'_>) -> &[Relocation] {
        let all = self.relocations.get(function.section);
        let all = all.map_or(&[][..], Vec::as_slice);
        let place = |slot: usize| (slot * INSN_SIZE_BYTES) as u64;
        let from = all.partition_point(|r| r.offset < place(function.slots.start));
        let to = all.partition_point(|r| r.offset < place(function.slots.end));
        all.get(from..to).unwrap_or_default()
    }
}
