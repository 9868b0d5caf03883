//! Externs: what an object leaves to the kernel it is loaded into.
//!
//! `.kconfig` variables stand for the kernel's configuration and become bytes
//! of one read-only map; `.ksyms` symbols stand for the kernel's variables and
//! functions and become addresses or BTF ids. Which values they have is not
//! known here.
//!
//! Source: `bpf_object__collect_externs`, tools/lib/bpf/libbpf.c.

use super::types::{MapKind, MapSpec, Variable};
use crate::btf::{Kind, MAX_RESOLVE_DEPTH, ObjectBtf, SecVar, Types};
use crate::elf::Elf;
use crate::error::{Error, Result};
use crate::order::{self, Key, Names};

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_F_RDONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;
/// `BPF_F_MMAPABLE`. Kernel: 5.5
const MMAPABLE: u32 = 1 << 10;
/// Bytes that all configuration values of an object may take together: more
/// than any configuration has.
const MAX_KCONFIG_BYTES: u32 = 1 << 20;

/// One extern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternSpec {
    /// Name in C, with its flavor: `bpf_task_acquire___v2`.
    pub name: String,
    /// May it be missing? Then it is 0.
    pub is_weak: bool,
    /// BTF id of its type behind modifiers: of a function the prototype, 0
    /// where it is `void`.
    pub type_id: u32,
    /// What it stands for.
    pub kind: ExternKind,
}

/// What an extern stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternKind {
    /// A value of the kernel's configuration, or a fact such as
    /// `LINUX_KERNEL_VERSION`.
    Kconfig(KconfigExtern),
    /// The address of a kernel symbol without a type, out of kallsyms.
    Symbol,
    /// A kernel variable that BTF describes. Kernel: 5.10
    Variable,
    /// A kernel function that programs may call (kfunc). Kernel: 5.13
    Function,
}

/// The place of a configuration value, and how it is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KconfigExtern {
    /// How values are written.
    pub value: KconfigType,
    /// Has the integer a sign?
    pub is_signed: bool,
    /// Size in bytes.
    pub size: u32,
    /// Byte offset in the `.kconfig` map.
    pub offset: u32,
}

/// How a configuration value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KconfigType {
    /// `bool`: `y` is true.
    Bool,
    /// One byte: `y`, `n` or `m` as a character, or a number.
    Char,
    /// `enum libbpf_tristate`: `n` is 0, `y` is 1, `m` is 2.
    Tristate,
    /// An integer of 2, 4 or 8 bytes.
    Int,
    /// `char[]`: a string without its quotes, cut to what fits, with a NUL.
    Chars,
}

/// An instruction that stands for an extern: a call, or an `ldimm64` of an
/// address. Those of configuration values are map references as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternRef {
    /// Index of the call, or of the first half.
    pub insn: usize,
    /// Index in [`ObjectSpec::externs`](super::ObjectSpec::externs).
    pub index: usize,
}

/// All externs of an object.
#[derive(Debug, Default)]
pub(super) struct Externs {
    /// In libbpf's order: configuration first, then symbols by name.
    pub specs: Vec<ExternSpec>,
    /// By ELF symbol, its index in `specs`, or why it cannot be used.
    places: Vec<(usize, ExternPlace)>,
    /// The `.kconfig` DATASEC with the place of each of its variables; nothing
    /// where some variable has none.
    pub layout: Option<Layout>,
    kconfig_bytes: u32,
}

/// The index of an extern, or why it cannot be used.
type ExternPlace = core::result::Result<usize, String>;

/// Where the variables of `.kconfig` lie in its map.
#[derive(Debug)]
pub(super) struct Layout {
    /// BTF id of the DATASEC.
    pub section_id: u32,
    pub size: u32,
    /// Each with the BTF id of its VAR, by that.
    vars: Vec<Placed>,
}

/// A variable of `.kconfig` with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    id: u32,
    pub offset: u32,
    pub size: u32,
}

impl Layout {
    /// The place of the VAR with this BTF id.
    pub fn var(&self, id: u32) -> Option<Placed> {
        let at = self.vars.partition_point(|var| var.id < id);
        self.vars.get(at).filter(|var| var.id == id).copied()
    }
}

/// One declaration in the object's BTF.
struct Declared {
    name: Box<[u8]>,
    section_id: u32,
    is_kconfig: bool,
    /// The VAR or FUNC.
    id: u32,
}

/// Collects the externs; to be asked before the BTF is fixed up, which takes
/// their types away.
pub(super) fn collect(elf: &Elf<'_>, btf: Option<&ObjectBtf>) -> Result<Externs> {
    let mut externs = Externs::default();
    let mut symbols = elf.symbols().filter(|symbol| symbol.is_extern()).peekable();
    if symbols.peek().is_none() {
        return Ok(externs);
    }
    let declared = btf.map_or_else(|| Ok(Vec::new()), declarations)?;
    let names = Names::new(declared.iter().map(|declared| &*declared.name));
    // With its symbol, and the alignment that it is sorted by.
    let mut found: Vec<(ExternSpec, usize, u32)> = Vec::new();
    for symbol in symbols.filter(|symbol| !symbol.name.is_empty()) {
        let name = symbol.name;
        let read = match (btf, names.find(name.as_bytes())) {
            (Some(btf), Some(at)) => read(btf, &declared[at]),
            _ => Err(Error::not_found(
                "it is declared in neither .kconfig nor .ksyms: another object has to define it",
            )),
        };
        match read {
            Ok((kind, type_id, align)) => found.push((
                ExternSpec {
                    name: name.to_owned(),
                    is_weak: symbol.is_weak,
                    type_id,
                    kind,
                },
                symbol.index,
                align,
            )),
            Err(error) => {
                let reason = format!("extern {name}: {error:#}");
                externs.places.push((symbol.index, Err(reason)));
            }
        }
    }
    // Configuration first: what is aligned most, then what is smallest.
    order::sort(&mut found, |(spec, _, align): &(ExternSpec, _, u32)| {
        let number = match &spec.kind {
            ExternKind::Kconfig(kconfig) => {
                u64::from(u8::MAX - *align as u8) << 32 | u64::from(kconfig.size)
            }
            _ => u64::MAX,
        };
        Key::new(number, spec.name.as_bytes())
    });
    for (mut spec, symbol, align) in found {
        let place = match &mut spec.kind {
            ExternKind::Kconfig(kconfig) => externs.place(kconfig, align),
            _ => Ok(()),
        };
        let index = externs.specs.len();
        let place = place.map(|()| index);
        let place = place.map_err(|error| format!("extern {}: {error:#}", spec.name));
        if place.is_ok() {
            externs.specs.push(spec);
        }
        externs.places.push((symbol, place));
    }
    order::sort(&mut externs.places, |(symbol, _)| {
        Key::number(*symbol as u64)
    });
    if let Some(btf) = btf {
        externs.layout = externs.layout_of(btf, &declared, &names)?;
    }
    Ok(externs)
}

impl Externs {
    /// The index of the extern that an ELF symbol stands for, or why it cannot
    /// be used.
    pub fn place_of(&self, symbol: usize) -> Option<&ExternPlace> {
        let at = self.places.partition_point(|(other, _)| *other < symbol);
        let (found, place) = self.places.get(at)?;
        (*found == symbol).then_some(place)
    }

    /// Gives a configuration value its place.
    fn place(&mut self, kconfig: &mut KconfigExtern, align: u32) -> Result<()> {
        let offset = self.kconfig_bytes.next_multiple_of(align.max(1));
        let end = offset.checked_add(kconfig.size);
        let end = end.filter(|&end| end <= MAX_KCONFIG_BYTES).ok_or_else(|| {
            Error::invalid_input(format!(
                "configuration values of over {MAX_KCONFIG_BYTES} bytes"
            ))
        })?;
        kconfig.offset = offset;
        self.kconfig_bytes = end;
        Ok(())
    }

    fn layout_of(
        &self,
        btf: &ObjectBtf,
        declared: &[Declared],
        names: &Names<'_>,
    ) -> Result<Option<Layout>> {
        let mut vars = Vec::new();
        let mut section = None;
        for spec in &self.specs {
            let ExternKind::Kconfig(kconfig) = &spec.kind else {
                continue;
            };
            if let Some(at) = names.find(spec.name.as_bytes()) {
                let declared = &declared[at];
                vars.push(Placed {
                    id: declared.id,
                    offset: kconfig.offset,
                    size: kconfig.size,
                });
                section = Some(declared.section_id);
            }
        }
        // Two symbols of one name have one variable: the last one's.
        vars.reverse();
        order::sort(&mut vars, |var: &Placed| Key::number(var.id.into()));
        vars.dedup_by_key(|var| var.id);
        let Some(section_id) = section else {
            return Ok(None);
        };
        let all = btf.type_by_id(section_id)?.sec_vars();
        let layout = Layout {
            section_id,
            size: self.kconfig_bytes,
            vars,
        };
        let has_place = |var: &SecVar| layout.var(var.type_id).is_some();
        let is_whole = all.len() == layout.vars.len() && all.iter().all(has_place);
        Ok(is_whole.then_some(layout))
    }

    /// The map of all configuration values, which are zero so far.
    pub fn kconfig_map(&self) -> Option<MapSpec> {
        let variables = self.specs.iter().filter_map(|spec| match &spec.kind {
            ExternKind::Kconfig(kconfig) => Some(Variable {
                name: spec.name.clone(),
                offset: kconfig.offset,
                size: kconfig.size,
                type_id: spec.type_id,
            }),
            _ => None,
        });
        let variables: Vec<_> = variables.collect();
        (!variables.is_empty()).then(|| MapSpec {
            name: ".kconfig".to_owned(),
            map_type: ARRAY,
            key_size: 4,
            value_size: self.kconfig_bytes,
            max_entries: 1,
            // As other global data, it can be mapped where types say what it is.
            flags: RDONLY_PROG | if self.layout.is_some() { MMAPABLE } else { 0 },
            value_type_id: self.layout.as_ref().map_or(0, |layout| layout.section_id),
            content: Some(vec![0; self.kconfig_bytes as usize]),
            kind: MapKind::Kconfig,
            variables,
            ..MapSpec::default()
        })
    }
}

/// What the object's BTF declares in `.kconfig` and `.ksyms`.
fn declarations(btf: &ObjectBtf) -> Result<Vec<Declared>> {
    let mut declared = Vec::new();
    for section_id in btf.ids() {
        let section = btf.type_by_id(section_id)?;
        if section.kind() != Kind::DataSec {
            continue;
        }
        let is_kconfig = match &*btf.string(section.name_off)? {
            b".kconfig" => true,
            b".ksyms" => false,
            _ => continue,
        };
        for var in section.sec_vars() {
            let name = btf.type_by_id(var.type_id)?.name_off;
            declared.push(Declared {
                name: Box::from(&*btf.string(name)?),
                section_id,
                is_kconfig,
                id: var.type_id,
            });
        }
    }
    Ok(declared)
}

/// What a declaration stands for: kind, type, alignment.
fn read(btf: &ObjectBtf, declared: &Declared) -> Result<(ExternKind, u32, u32)> {
    let ty = btf.type_by_id(declared.id)?;
    let is_function = match (ty.kind(), ty.vlen(), ty.var_linkage()) {
        // Linkage 2 is extern, for both.
        (Kind::Func, 2, _) => true,
        (Kind::Var, _, Some(2)) => false,
        _ => return Err(Error::malformed("it is not declared extern")),
    };
    if !declared.is_kconfig {
        // A function's type is its prototype.
        let id = btf.strip_modifiers(ty.size_or_type)?.id;
        let kind = match (is_function, id) {
            (true, _) => ExternKind::Function,
            (false, 0) => ExternKind::Symbol,
            (false, _) => ExternKind::Variable,
        };
        return Ok((kind, id, 1));
    }
    if is_function {
        return Err(Error::invalid_input("a function in .kconfig"));
    }
    let id = btf.strip_modifiers(ty.size_or_type)?.id;
    let (value, is_signed) = kconfig_type(btf, id)?.ok_or_else(|| {
        Error::invalid_input(
            "the type of a configuration value is bool, char, an integer, enum libbpf_tristate or an array of char",
        )
    })?;
    let size = btf.size_of(id)?;
    let kconfig = KconfigExtern {
        value,
        is_signed,
        size,
        offset: 0,
    };
    Ok((ExternKind::Kconfig(kconfig), id, align_of(btf, id)?))
}

/// How values of a type are written, and whether they have a sign.
fn kconfig_type(btf: &ObjectBtf, id: u32) -> Result<Option<(KconfigType, bool)>> {
    let ty = btf.strip_modifiers(id)?;
    let plain = |value| Some((value, false));
    Ok(match ty.kind() {
        Kind::Int => {
            let encoding = ty.int().map_or(0, |int| int.encoding);
            let is_signed = encoding & 1 != 0;
            match (encoding & 4 != 0, ty.size_or_type) {
                (true, 1) => plain(KconfigType::Bool),
                (false, 1) => Some((KconfigType::Char, is_signed)),
                (false, 2 | 4 | 8) => Some((KconfigType::Int, is_signed)),
                _ => None,
            }
        }
        Kind::Enum | Kind::Enum64 => {
            let is_tristate = btf.string_is(ty.name_off, b"libbpf_tristate")?;
            let fits = ty.kind() == Kind::Enum64 || ty.size_or_type == 4;
            plain(KconfigType::Tristate).filter(|_| is_tristate && fits)
        }
        Kind::Array => {
            let array = ty.array()?;
            let element = btf.strip_modifiers(array.element_type)?;
            let is_char = element.kind() == Kind::Int
                && element.size_or_type == 1
                && element.int().is_some_and(|int| int.encoding & 4 == 0);
            plain(KconfigType::Chars).filter(|_| is_char && array.count > 0)
        }
        _ => None,
    })
}

/// The alignment in bytes of a type that a configuration value may have.
fn align_of(btf: &ObjectBtf, mut id: u32) -> Result<u32> {
    for _ in 0..MAX_RESOLVE_DEPTH {
        let ty = btf.strip_modifiers(id)?;
        if ty.kind() != Kind::Array {
            return Ok(ty.size_or_type.clamp(1, 8));
        }
        id = ty.array()?.element_type;
    }
    Err(Error::malformed("arrays nest without end"))
}
