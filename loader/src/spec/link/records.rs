//! What `.BTF.ext` says of a program's parts, moved to where they are in it.

use super::Linker;
use crate::btf::{ObjectBtf, Types};
use crate::error::Result;
use crate::ext_info::{Record, Records};
use crate::spec::ext::{RawCoreRelo, Table};
use crate::spec::types::CoreReloRef;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Strings of the BTF that relocations refer to again and again.
#[derive(Debug, Default)]
pub(super) struct Texts(BTreeMap<u32, Arc<str>>);

impl Texts {
    fn find(&mut self, btf: &ObjectBtf, offset: u32) -> Result<Arc<str>> {
        if let Some(text) = self.0.get(&offset) {
            return Ok(text.clone());
        }
        let text: Arc<str> = btf.text(offset)?.into();
        self.0.insert(offset, text.clone());
        Ok(text)
    }
}

impl Linker<'_, '_, '_> {
    /// The records of all parts, or none: the kernel refuses a program where
    /// some functions have records and others lack theirs.
    pub(super) fn records<R: Record>(&mut self, table: &Table<'_>) -> Result<Records<R>> {
        if table.rec_size == 0 {
            return Ok(Records::default());
        }
        let mut records = Records::with_rec_size(table.rec_size)?;
        records.reserve(self.count(table)?);
        for &(index, start) in &self.order {
            let function = self.function(index)?;
            let mut own = table.records(function.section, &function.slots).peekable();
            // Each function needs a record for its first instruction.
            let first = own.peek().map(|&(slot, _)| slot as usize);
            if first != Some(function.slots.start) {
                records.clear();
                break;
            }
            let bytes = own.len().saturating_mul(table.rec_size as usize);
            self.budget.take(bytes)?;
            for (slot, record) in own {
                let slot = start + slot as usize - function.slots.start;
                records.push_rebased(record, slot as u32)?;
            }
        }
        Ok(records)
    }

    /// How many records of a table all parts have.
    fn count(&self, table: &Table<'_>) -> Result<usize> {
        let mut count = 0;
        for &(index, _) in &self.order {
            let function = self.function(index)?;
            count += table.records(function.section, &function.slots).len();
        }
        Ok(count)
    }

    pub(super) fn core_relos(&mut self) -> Result<Vec<CoreReloRef>> {
        let Some(btf) = self.inputs.btf else {
            return Ok(Vec::new());
        };
        let table = &self.inputs.ext.core_relos;
        let mut relos = Vec::with_capacity(self.count(table)?);
        for &(index, start) in &self.order {
            let function = self.function(index)?;
            let own = table.records(function.section, &function.slots);
            for (slot, record) in own {
                let Some(relo) = RawCoreRelo::read(record) else {
                    continue;
                };
                let access = self.texts.find(btf, relo.access_str_off)?;
                // Shared or not: as many texts as there are relocations may be long ones.
                self.budget.take(size_of::<CoreReloRef>() + access.len())?;
                relos.push(CoreReloRef {
                    insn: start + slot as usize - function.slots.start,
                    kind: relo.kind,
                    type_id: relo.type_id,
                    access,
                });
            }
        }
        Ok(relos)
    }
}
