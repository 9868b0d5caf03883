//! A part of a kernel's types, picked piece by piece and written as BTF of its
//! own.
//!
//! Types keep their names, sizes and the order of their ids; members keep their
//! exact places; what was not picked is gone. Ids are new. Knows which other
//! types a type needs to be told apart from others, but not why one is picked.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Kind, Type};
use super::{MAX_RESOLVE_DEPTH, Target, Types};
use crate::error::{Error, Result, ResultExt};

/// Structs and members that one search through anonymous members may look at.
const MAX_VISITS: usize = 1 << 18;

/// How much of what a type refers to is picked with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// What says how large it is and what kind of thing: through modifiers and
    /// arrays. Pointers lead to `void`, structs are empty.
    Size,
    /// Also what pointers lead to and prototypes name; structs are empty.
    Names,
    /// The same, with the values of enums.
    Behind,
    /// All members and values, and theirs; behind pointers as [`Depth::Behind`].
    Whole,
}

/// What is picked of one type.
#[derive(Debug, Default)]
struct Picked {
    /// Members or values, by number.
    elements: BTreeSet<u32>,
    /// Does the pointer lead to its type, or to `void`?
    leads: bool,
}

/// Types of a kernel that were picked.
#[derive(Debug)]
pub(crate) struct Selection<'t, 'a> {
    target: &'t Target<'a>,
    picked: BTreeMap<u32, Picked>,
    seen: BTreeSet<(u32, Depth)>,
}

impl<'t, 'a> Selection<'t, 'a> {
    /// Nothing picked yet.
    pub fn new(target: &'t Target<'a>) -> Self {
        Self {
            target,
            picked: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Picks a type and what it needs.
    pub fn add(&mut self, id: u32, depth: Depth) -> Result<()> {
        let mut open = vec![(id, depth)];
        while let Some((id, depth)) = open.pop() {
            if id != 0 && self.seen.insert((id, depth)) {
                self.add_one(id, depth, &mut open)
                    .with_context(|| format!("kernel BTF type {id}"))?;
            }
        }
        Ok(())
    }

    /// Picks a type alone; what it needs goes to `open`.
    fn add_one(&mut self, id: u32, depth: Depth, open: &mut Vec<(u32, Depth)>) -> Result<()> {
        let ty = self.target.type_by_id(id)?;
        let picked = self.picked.entry(id).or_default();
        match ty.kind() {
            Kind::Int | Kind::Float | Kind::Fwd => {}
            Kind::Struct | Kind::Union if depth == Depth::Whole => {
                for (index, member) in ty.members().enumerate() {
                    picked.elements.insert(index as u32);
                    open.push((member.type_id, depth));
                }
            }
            Kind::Struct | Kind::Union => {}
            Kind::Enum | Kind::Enum64 => {
                if depth >= Depth::Behind {
                    picked.elements.extend(0..ty.vlen());
                }
            }
            Kind::Ptr => {
                if depth != Depth::Size {
                    picked.leads = true;
                    open.push((ty.size_or_type, depth.min(Depth::Behind)));
                }
            }
            Kind::Array => {
                let array = ty.array()?;
                open.push((array.element_type, depth));
                open.push((array.index_type, Depth::Size));
            }
            Kind::FuncProto => {
                open.push((ty.size_or_type, depth));
                open.extend(ty.parameters().iter().map(|p| (p.type_id, depth)));
            }
            Kind::Func | Kind::Var => open.push((ty.size_or_type, depth)),
            _ if ty.is_modifier_or_typedef() => open.push((ty.size_or_type, depth)),
            kind => {
                let text = format!("{} in the place of a type", kind.name());
                return Err(Error::malformed(text));
            }
        }
        Ok(())
    }

    /// Picks a member of a struct or union, with the size of its type; returns
    /// that type.
    pub fn add_member(&mut self, id: u32, index: u32) -> Result<u32> {
        let ty = self.target.type_by_id(id)?;
        let member = ty.member(index as usize);
        let member = member.ok_or_else(|| {
            Error::malformed(format!("kernel BTF type {id} has no member {index}"))
        })?;
        self.add(id, Depth::Size)?;
        self.add(member.type_id, Depth::Size)?;
        let last = ty.members().len() as u32 - 1;
        let picked = self.picked.entry(id).or_default();
        picked.elements.insert(index);
        // An array without a length may be read at any index, but only where
        // it ends the struct. It must not come to do so by losing its followers.
        let is_open = |ty: &Type<'_>| ty.array().is_ok_and(|array| array.count == 0);
        let stripped = self.target.strip_modifiers(member.type_id);
        if index != last && stripped.is_ok_and(|ty| is_open(&ty)) {
            picked.elements.insert(last);
            let follower = ty.member(last as usize).map_or(0, |member| member.type_id);
            self.add(follower, Depth::Size)?;
        }
        Ok(member.type_id)
    }

    /// Picks the anonymous members that lead from one struct or union to
    /// another inside it.
    pub fn add_way(&mut self, from: u32, to: u32) -> Result<()> {
        if from == to {
            return Ok(());
        }
        let mut left = MAX_VISITS;
        // The open structs, outermost first, and the member to look at next.
        let mut open = vec![(self.target.type_by_id(from)?, 0usize)];
        while let Some((ty, next)) = open.last_mut() {
            left = left
                .checked_sub(1)
                .ok_or_else(|| Error::malformed("kernel types nest without end"))?;
            let Some(member) = ty.member(*next) else {
                open.pop();
                continue;
            };
            *next += 1;
            if member.name_off != 0 {
                continue;
            }
            let inner = self.target.strip_modifiers(member.type_id)?;
            if inner.id == to {
                let way: Vec<_> = open
                    .iter()
                    .map(|(ty, next)| (ty.id, *next as u32 - 1))
                    .collect();
                for (id, index) in way {
                    self.add_member(id, index)?;
                }
                return Ok(());
            }
            if inner.is_composite() && open.len() < MAX_RESOLVE_DEPTH {
                open.push((inner, 0));
            }
        }
        Err(Error::malformed(format!(
            "kernel BTF type {to} is not inside of type {from}"
        )))
    }

    /// Picks one value of an enum.
    pub fn add_enumerator(&mut self, id: u32, index: u32) -> Result<()> {
        self.add(id, Depth::Size)?;
        self.picked.entry(id).or_default().elements.insert(index);
        Ok(())
    }

    /// All that was picked, as BTF: the same bytes for the same picks.
    pub fn write(&self) -> Result<Vec<u8>> {
        let new_ids: BTreeMap<u32, u32> = self.picked.keys().copied().zip(1..).collect();
        let mut out = Writer {
            target: self.target,
            new_ids,
            types: Vec::new(),
            strings: vec![0],
            offsets: BTreeMap::new(),
        };
        for (&id, picked) in &self.picked {
            out.write(id, picked)
                .with_context(|| format!("kernel BTF type {id}"))?;
        }
        out.finish()
    }
}

/// BTF while it is written.
struct Writer<'t, 'a> {
    target: &'t Target<'a>,
    new_ids: BTreeMap<u32, u32>,
    types: Vec<u32>,
    strings: Vec<u8>,
    offsets: BTreeMap<Vec<u8>, u32>,
}

impl Writer<'_, '_> {
    fn write(&mut self, id: u32, picked: &Picked) -> Result<()> {
        let ty = self.target.type_by_id(id)?;
        let name = self.string(ty.name_off)?;
        let vlen = match ty.kind() {
            _ if ty.is_composite() || ty.is_any_enum() => picked.elements.len() as u32,
            // Of a function, its linkage.
            _ => ty.vlen(),
        };
        let referred = match ty.kind() {
            Kind::Ptr if !picked.leads => 0,
            Kind::Ptr | Kind::Func | Kind::FuncProto | Kind::Var => self.id(ty.size_or_type)?,
            _ if ty.is_modifier_or_typedef() => self.id(ty.size_or_type)?,
            _ => ty.size_or_type,
        };
        let info = u32::from(ty.kind_flag()) << 31 | ty.kind_number() << 24 | vlen;
        self.types.extend([name, info, referred]);
        let elements = picked.elements.iter().map(|&index| index as usize);
        match ty.kind() {
            Kind::Struct | Kind::Union => {
                let all: Vec<_> = ty.words::<3>().collect();
                for [name, type_id, offset] in elements.filter_map(|index| all.get(index)) {
                    let element = [self.string(*name)?, self.id(*type_id)?, *offset];
                    self.types.extend(element);
                }
            }
            Kind::Enum => {
                let all: Vec<_> = ty.words::<2>().collect();
                for [name, value] in elements.filter_map(|index| all.get(index)) {
                    let element = [self.string(*name)?, *value];
                    self.types.extend(element);
                }
            }
            Kind::Enum64 => {
                let all: Vec<_> = ty.words::<3>().collect();
                for [name, low, high] in elements.filter_map(|index| all.get(index)) {
                    let element = [self.string(*name)?, *low, *high];
                    self.types.extend(element);
                }
            }
            Kind::FuncProto => {
                for parameter in ty.parameters() {
                    let element = [
                        self.string(parameter.name_off)?,
                        self.id(parameter.type_id)?,
                    ];
                    self.types.extend(element);
                }
            }
            Kind::Array => {
                let array = ty.array()?;
                let ids = [self.id(array.element_type)?, self.id(array.index_type)?];
                self.types.extend(ids);
                self.types.push(array.count);
            }
            Kind::Int | Kind::Var => self.types.extend(ty.words::<1>().flatten()),
            _ => {}
        }
        Ok(())
    }

    /// A type's new id; 0 stays `void`.
    fn id(&self, old: u32) -> Result<u32> {
        let missing = || Error::malformed(format!("refers to type {old}, which was not picked"));
        match old {
            0 => Ok(0),
            old => self.new_ids.get(&old).copied().ok_or_else(missing),
        }
    }

    /// A string's new offset; each is written once.
    fn string(&mut self, old: u32) -> Result<u32> {
        let string = self.target.string(old)?;
        if string.is_empty() {
            return Ok(0);
        }
        if let Some(&offset) = self.offsets.get(&*string) {
            return Ok(offset);
        }
        let offset = self.strings.len() as u32;
        self.strings.extend_from_slice(&string);
        self.strings.push(0);
        self.offsets.insert(string.into_owned(), offset);
        Ok(offset)
    }

    fn finish(self) -> Result<Vec<u8>> {
        const HEADER_BYTES: u32 = 24;
        let too_large = |_| Error::malformed("over 4 GiB of types");
        let types = u32::try_from(self.types.len() * 4).map_err(too_large)?;
        let strings = u32::try_from(self.strings.len()).map_err(too_large)?;
        let header = [0x0001_eb9f, HEADER_BYTES, 0, types, types, strings];
        let words = header.iter().chain(&self.types);
        let mut bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.strings);
        Ok(bytes)
    }
}
