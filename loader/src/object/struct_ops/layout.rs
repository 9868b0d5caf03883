//! A table's values, where the kernel's own struct has their members.

use super::unsupported;
use crate::btf::{Kind, Member, ObjectBtf, Split, Type, Types, essential_name};
use crate::error::{Error, Result, ResultExt};
use crate::spec::StructOpsSpec;

/// The largest value that is believed to be one; the kernel's have 512 bytes.
const MAX_VALUE_BYTES: u32 = 1 << 20;

/// One table against the kernel's struct.
pub(super) struct Layout<'l> {
    btf: &'l ObjectBtf,
    types: &'l Split<'l, 'static>,
    table: &'l StructOpsSpec,
    local: Type<'l>,
    /// The kernel's struct, and where it is in the value.
    kernel: Type<'l>,
    offset: usize,
    value_bytes: usize,
}

/// The value of a table's map, without its functions.
pub(super) struct LaidOut {
    pub(super) value: Vec<u8>,
    /// BTF id of the kernel's struct.
    pub(super) type_id: u32,
    pub(super) functions: Vec<Function>,
}

pub(super) struct Function {
    /// Where in the value.
    pub(super) offset: usize,
    /// Which member of the kernel's struct.
    pub(super) kernel_member: usize,
    pub(super) member: String,
    pub(super) program: String,
}

impl<'l> Layout<'l> {
    pub(super) fn new(
        btf: &'l ObjectBtf,
        types: &'l Split<'l, 'static>,
        table: &'l StructOpsSpec,
        value_id: u32,
    ) -> Result<Self> {
        let value = types.type_by_id(value_id)?;
        if value.size_or_type > MAX_VALUE_BYTES {
            let text = format!("a table of {} bytes", value.size_or_type);
            return Err(Error::malformed(text));
        }
        // The struct itself is the member of its own name's type.
        let name = essential_name(table.type_name.as_bytes());
        let mut found = None;
        for member in value.members() {
            let ty = types.type_by_id(member.type_id)?;
            if ty.kind() == Kind::Struct && types.string_is(ty.name_off, name)? {
                found = Some((ty, member));
                break;
            }
        }
        let missing = || Error::malformed("the kernel's value does not hold its table");
        let (kernel, member) = found.ok_or_else(missing)?;
        Ok(Self {
            btf,
            types,
            table,
            local: btf.type_by_id(table.type_id)?,
            offset: member.offset_bits as usize / 8,
            value_bytes: value.size_or_type as usize,
            kernel,
        })
    }

    pub(super) fn fill(&self) -> Result<LaidOut> {
        let mut out = LaidOut {
            value: vec![0; self.value_bytes],
            type_id: self.kernel.id,
            functions: Vec::new(),
        };
        for (index, member) in self.local.members().enumerate() {
            let name = self.btf.text(member.name_off)?;
            self.member(index, member, &name, &mut out)
                .with_context(|| format!("member {name}"))?;
        }
        Ok(out)
    }

    fn member(&self, index: usize, local: Member, name: &str, out: &mut LaidOut) -> Result<()> {
        let slot = self.table.slots.iter().find(|slot| slot.member == index);
        let size = self.btf.size_of(local.type_id)? as usize;
        let start = local.offset_bits as usize / 8;
        let content = self
            .table
            .content
            .get(start..)
            .and_then(|rest| rest.get(..size));
        let content = content.ok_or_else(|| Error::malformed("past the table's end"))?;
        let Some((number, kernel)) = self.kernel_member(name)? else {
            // What is not set need not be there.
            if slot.is_none() && content.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            return Err(unsupported("the kernel's table has no such member"));
        };
        if local.bitfield_bits != 0 || kernel.bitfield_bits != 0 {
            return Err(unsupported("a bit field"));
        }
        let ours = self.btf.strip_modifiers(local.type_id)?;
        let theirs = self.types.strip_modifiers(kernel.type_id)?;
        if ours.kind() != theirs.kind() {
            let (ours, theirs) = (ours.kind().name(), theirs.kind().name());
            return Err(unsupported(format!("{ours} here, {theirs} in the kernel")));
        }
        let at = self.offset + kernel.offset_bits as usize / 8;
        if ours.kind() == Kind::Ptr {
            let Some(slot) = slot else {
                return Ok(());
            };
            let behind = self.types.strip_modifiers(theirs.size_or_type)?;
            if behind.kind() != Kind::FuncProto || at + 8 > out.value.len() {
                return Err(unsupported("no function in the kernel"));
            }
            out.functions.push(Function {
                offset: at,
                kernel_member: number,
                member: name.to_owned(),
                program: slot.program.clone(),
            });
            return Ok(());
        }
        let kernel_size = self.types.size_of(theirs.id)? as usize;
        if kernel_size != size {
            let text = format!("{size} bytes here, {kernel_size} bytes in the kernel");
            return Err(unsupported(text));
        }
        let place = out
            .value
            .get_mut(at..)
            .and_then(|rest| rest.get_mut(..size));
        let place = place.ok_or_else(|| Error::malformed("past the kernel's value"))?;
        place.copy_from_slice(content);
        Ok(())
    }

    fn kernel_member(&self, name: &str) -> Result<Option<(usize, Member)>> {
        for (number, member) in self.kernel.members().enumerate() {
            if self.types.string_is(member.name_off, name.as_bytes())? {
                return Ok(Some((number, member)));
            }
        }
        Ok(None)
    }
}
