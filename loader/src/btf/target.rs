//! The kernel's BTF: read where it is, searched in one pass, indexed sparsely.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::header::{Header, KNOWN_HEADER_BYTES, Sizes};
use super::scan::{self, Found, INDEX_STRIDE, Index, Kinds, Shared, Wanted};
use super::source::Source;
use super::types::{Kind, TYPE_HEADER_BYTES, Type, TypeHeader};
use super::{MAX_STRING_BYTES, Types};
use crate::error::{Error, Result, ResultExt};
use crate::order;

/// A kernel's types.
///
/// Nothing of it is copied whole: types and strings are read when they are
/// looked at. Names are found by scanning, once for all names asked together;
/// what was found is remembered.
#[derive(Debug)]
pub struct Target<'a> {
    source: Source<'a>,
    header: Header,
    sizes: Sizes,
    /// The id of the first type: 1, but behind the base's in a module.
    first_id: u32,
    /// The offset of the first string: 0, but behind the base's in a module.
    first_string: u32,
    index: OnceCell<Index>,
    /// Also the offsets of names that members are compared with.
    found: Found,
}

impl<'a> Target<'a> {
    /// Reads the header, no more.
    ///
    /// # Errors
    /// `Malformed` where header and length do not fit together, `Unsupported`
    /// for big-endian BTF, or the reader's error.
    pub fn new(source: Source<'a>) -> Result<Self> {
        let total = source.len_bytes();
        let head = source.bytes(0..total.min(KNOWN_HEADER_BYTES as u64))?;
        let header = Header::parse(&head, total)?;
        // Each kind has one entry of four bytes; more cannot be asked for.
        let layout = header.layout.start..header.layout.end.min(header.layout.start + 512);
        let sizes = Sizes::new(&source.bytes(layout)?);
        Ok(Self {
            source,
            header,
            sizes,
            first_id: 1,
            first_string: 0,
            index: OnceCell::new(),
            found: Found::default(),
        })
    }

    /// The types of a module, whose ids and strings go on where those of
    /// `base`, the kernel itself, end. Look at them through [`Split`](super::Split).
    ///
    /// # Errors
    /// As [`Target::new`]; those of the base.
    ///
    /// Kernel: 5.11
    pub fn of_module(source: Source<'a>, base: &Target<'_>) -> Result<Self> {
        let mut target = Self::new(source)?;
        let too_many = || Error::malformed("too many types or strings");
        target.first_id = base.last_id()?.checked_add(1).ok_or_else(too_many)?;
        let strings = &base.header.strings;
        let strings = u32::try_from(strings.end - strings.start);
        target.first_string = strings.map_err(|_| too_many())?;
        Ok(target)
    }

    /// The id of the first type that is not the base's.
    pub(super) fn first_id(&self) -> u32 {
        self.first_id
    }

    /// The offset of the first string that is not the base's.
    pub(super) fn first_string(&self) -> u32 {
        self.first_string
    }

    /// Where the strings are that a module's types may share.
    pub(crate) fn shared_strings(&self, wanted: &[Wanted]) -> Result<Shared> {
        scan::find_shared(&self.source, &self.header, wanted).with_context(|| "kernel BTF")
    }

    /// The same as [`Target::prepare`] in a module; `shared` is the base's
    /// answer about the same names.
    pub(crate) fn prepare_module(&mut self, wanted: &[Wanted], shared: &Shared) -> Result<()> {
        let is_known = |wanted| self.found.get(scan::key(wanted)).is_some();
        if wanted.iter().all(is_known) {
            return Ok(());
        }
        let (found, index) = scan::scan(&self.place(), wanted.to_vec(), Some(shared))?;
        self.found.extend(found);
        let _ = self.index.set(index);
        Ok(())
    }

    /// Ids of the types of this name, for each `(kind, name)`, in order.
    ///
    /// One pass over the BTF for all that was not asked before.
    ///
    /// # Errors
    /// `Malformed` or the reader's error; `Unsupported` where a name is not
    /// found and types of an unknown kind keep the rest from being read.
    pub fn find(&mut self, names: &[(Kind, &str)]) -> Result<Vec<Vec<u32>>> {
        let wanted = names.iter().map(|&(kind, name)| {
            let kinds = Kinds::compatible_with(kind);
            (Box::from(name.as_bytes()), kinds, false)
        });
        let wanted: Vec<Wanted> = wanted.collect();
        self.prepare(&wanted, &[])?;
        wanted
            .iter()
            .map(|wanted| self.ids(wanted).map(<[u32]>::to_vec))
            .collect()
    }

    /// The first type of this kind and name.
    ///
    /// # Errors
    /// As [`Target::find`].
    pub fn find_one(&mut self, kind: Kind, name: &str) -> Result<Option<u32>> {
        let ids = self.find(&[(kind, name)])?;
        Ok(ids.first().and_then(|ids| ids.first().copied()))
    }

    /// Scans for what has not been looked for yet.
    pub(crate) fn prepare(&mut self, wanted: &[Wanted], strings: &[Box<[u8]>]) -> Result<()> {
        let mut wanted = wanted.to_vec();
        // Mapped strings are compared where they are.
        if !self.source.is_mapped() {
            wanted.extend(
                strings
                    .iter()
                    .cloned()
                    .map(|name| (name, Kinds::STRING, false)),
            );
        }
        wanted.retain(|wanted| self.found.get(scan::key(wanted)).is_none());
        order::sort(&mut wanted, scan::key);
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(());
        }
        let scanned = scan::scan(&self.place(), wanted, None);
        let (found, index) = scanned.with_context(|| "kernel BTF")?;
        self.found.extend(found);
        // A second scan makes the same index again.
        let _ = self.index.set(index);
        Ok(())
    }

    /// What [`Target::prepare`] found.
    pub(crate) fn ids(&self, wanted: &Wanted) -> Result<&[u32]> {
        let ids = self.found.get(scan::key(wanted)).unwrap_or_default();
        let stopped = self.index.get().and_then(|index| index.stopped.as_ref());
        match stopped {
            // Not found, but not all types could be read.
            Some(reason) if ids.is_empty() => Err(unreadable(reason).context(format!(
                "looking for {}",
                String::from_utf8_lossy(&wanted.0)
            ))),
            _ => Ok(ids),
        }
    }

    /// The highest type id that can be read.
    ///
    /// # Errors
    /// The reader's own, see [`ReadAt::read_at`](super::ReadAt::read_at); `Malformed` for
    /// what is no BTF. None once types have been looked for.
    pub fn last_id(&self) -> Result<u32> {
        Ok(self.index()?.last_id + (self.first_id - 1))
    }

    /// Calls `visit` with the id and the name of every function.
    ///
    /// # Errors
    /// `Malformed`, or the reader's error.
    pub(crate) fn each_func(&self, mut visit: impl FnMut(u32, &[u8])) -> Result<()> {
        let mut failed = None;
        scan::walk(&self.source, &self.header, &self.sizes, |id, ty| {
            if Kind::from_number(ty.kind_number()) == Kind::Func && failed.is_none() {
                match self.string(ty.name_off) {
                    Ok(name) => visit(id, &name),
                    Err(error) => failed = Some(error),
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Where scans look.
    fn place(&self) -> scan::Place<'_, 'a> {
        scan::Place {
            source: &self.source,
            header: &self.header,
            sizes: &self.sizes,
            first_id: self.first_id,
            first_string: self.first_string,
        }
    }

    fn index(&self) -> Result<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        // Looking for nothing indexes all.
        let (_, index) = scan::scan(&self.place(), Vec::new(), None)?;
        Ok(self.index.get_or_init(|| index))
    }

    /// The byte at which a type starts: from the nearest one that is known.
    fn offset_of(&self, id: u32) -> Result<u64> {
        let index = self.index()?;
        let own = id.checked_sub(self.first_id - 1);
        let Some(id) = own.filter(|own| (1..=index.last_id).contains(own)) else {
            let last = index.last_id + (self.first_id - 1);
            let missing = Error::not_found(format!("BTF type {id}, the kernel has {last}"));
            return Err(index.stopped.as_deref().map_or(missing, unreadable));
        };
        let known = index.offsets.get(((id - 1) / INDEX_STRIDE) as usize);
        let known = known.copied().unwrap_or(0);
        let mut at = self.header.types.start + u64::from(known);
        for _ in 0..(id - 1) % INDEX_STRIDE {
            let header = TypeHeader::read(self.source.array(at)?);
            let trailing = self
                .sizes
                .trailing_bytes(header.kind_number(), header.vlen());
            at += (TYPE_HEADER_BYTES + trailing.unwrap_or(0)) as u64;
        }
        Ok(at)
    }
}

fn unreadable(reason: impl AsRef<str>) -> Error {
    Error::new(
        crate::ErrorKind::Unsupported {
            feature: "an unknown kind of BTF type",
            since: None,
        },
        format!("{}; types from there on cannot be read", reason.as_ref()),
    )
}

impl Types for Target<'_> {
    fn type_by_id(&self, id: u32) -> Result<Type<'_>> {
        if id == 0 {
            return Ok(Type::VOID);
        }
        let at = self.offset_of(id)?;
        let header = TypeHeader::read(self.source.array(at)?);
        let trailing = self
            .sizes
            .trailing_bytes(header.kind_number(), header.vlen());
        let start = at + TYPE_HEADER_BYTES as u64;
        let end = start + trailing.unwrap_or(0) as u64;
        Ok(Type::new(id, header, self.source.bytes(start..end)?))
    }

    fn string(&self, offset: u32) -> Result<Cow<'_, [u8]>> {
        if offset == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let strings = &self.header.strings;
        let own = offset.checked_sub(self.first_string);
        let at = own.map_or(strings.end, |own| strings.start + u64::from(own));
        if at >= strings.end {
            return Err(Error::malformed(format!(
                "BTF string offset {offset} is past the table's {} bytes",
                strings.end - strings.start
            )));
        }
        self.source.string(at, strings.end, MAX_STRING_BYTES)
    }

    fn string_is(&self, offset: u32, name: &[u8]) -> Result<bool> {
        if let Some(offsets) = self.found.get(scan::string_key(name)) {
            return Ok(offsets.contains(&offset));
        }
        let strings = &self.header.strings;
        let Some(own) = offset.checked_sub(self.first_string) else {
            return Ok(false);
        };
        let start = strings.start + u64::from(own);
        // The name and its NUL, which a name never holds itself.
        let end = start + name.len() as u64 + 1;
        if end > strings.end {
            return Ok(false);
        }
        let string = self.source.bytes(start..end)?;
        Ok(string
            .strip_suffix(&[0])
            .is_some_and(|string| string == name))
    }
}
