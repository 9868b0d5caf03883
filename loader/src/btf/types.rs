//! One BTF type: twelve fixed bytes, and what follows them by kind.

use std::borrow::Cow;

use crate::bytes::word;
use crate::error::{Error, Result};

/// Fixed bytes at the start of each type.
pub const TYPE_HEADER_BYTES: usize = 12;

/// What a type is.
///
/// Source: `BTF_KIND_*`, include/uapi/linux/btf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the kernel's own names say it")]
pub enum Kind {
    Void = 0,
    Int,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    DataSec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
    /// A kind from the future, of known size at best.
    Unknown,
}

/// All kinds that this crate knows, by their number.
const KINDS: [Kind; 20] = [
    Kind::Void,
    Kind::Int,
    Kind::Ptr,
    Kind::Array,
    Kind::Struct,
    Kind::Union,
    Kind::Enum,
    Kind::Fwd,
    Kind::Typedef,
    Kind::Volatile,
    Kind::Const,
    Kind::Restrict,
    Kind::Func,
    Kind::FuncProto,
    Kind::Var,
    Kind::DataSec,
    Kind::Float,
    Kind::DeclTag,
    Kind::TypeTag,
    Kind::Enum64,
];

impl Kind {
    /// The kind with this number.
    pub fn from_number(number: u32) -> Self {
        let known = usize::try_from(number).ok().and_then(|n| KINDS.get(n));
        known.copied().unwrap_or(Self::Unknown)
    }

    /// The word for messages, as C says it where C has one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Int => "int",
            Self::Ptr => "ptr",
            Self::Array => "array",
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
            Self::Fwd => "fwd",
            Self::Typedef => "typedef",
            Self::Volatile => "volatile",
            Self::Const => "const",
            Self::Restrict => "restrict",
            Self::Func => "func",
            Self::FuncProto => "func_proto",
            Self::Var => "var",
            Self::DataSec => "datasec",
            Self::Float => "float",
            Self::DeclTag => "decl_tag",
            Self::TypeTag => "type_tag",
            Self::Enum64 => "enum64",
            Self::Unknown => "unknown kind",
        }
    }

    /// Bytes after the header, once and per element, for a known kind.
    pub(crate) const fn trailing_bytes(self) -> Option<(u8, u8)> {
        match self {
            Self::Int | Self::Var | Self::DeclTag => Some((4, 0)),
            Self::Array => Some((12, 0)),
            Self::Struct | Self::Union | Self::DataSec | Self::Enum64 => Some((0, 12)),
            Self::Enum | Self::FuncProto => Some((0, 8)),
            Self::Unknown => None,
            _ => Some((0, 0)),
        }
    }
}

/// The fixed part of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeHeader {
    pub name_off: u32,
    pub info: u32,
    pub size_or_type: u32,
}

impl TypeHeader {
    pub fn read(bytes: [u8; TYPE_HEADER_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self {
            name_off: u32::from_le_bytes([a, b, c, d]),
            info: u32::from_le_bytes([e, f, g, h]),
            size_or_type: u32::from_le_bytes([i, j, k, l]),
        }
    }

    pub const fn kind_number(self) -> u32 {
        self.info >> 24 & 0x7f
    }

    pub const fn vlen(self) -> u32 {
        self.info & 0xff_ffff
    }
}

/// A type with the bytes that follow its header.
#[derive(Clone, Debug)]
pub struct Type<'a> {
    /// Its id.
    pub id: u32,
    /// String offset of its name, 0 for none.
    pub name_off: u32,
    info: u32,
    /// Size in bytes or the type this one refers to, by kind.
    pub size_or_type: u32,
    trailing: Cow<'a, [u8]>,
}

/// A struct's or union's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// String offset of its name; 0 for an anonymous struct or union.
    pub name_off: u32,
    /// BTF id of its type.
    pub type_id: u32,
    /// Offset from the start of the struct, in bits.
    pub offset_bits: u32,
    /// Width of a bit field in bits, 0 for everything else.
    pub bitfield_bits: u32,
}

/// A value of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator {
    /// String offset of its name.
    pub name_off: u32,
    /// The value, sign-extended to 64 bits where the enum is signed.
    pub value: u64,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// String offset of its name, 0 for none.
    pub name_off: u32,
    /// BTF id of its type; 0 at the end means variadic.
    pub type_id: u32,
}

/// A variable in a DATASEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecVar {
    /// BTF id of the VAR, or FUNC for functions.
    pub type_id: u32,
    /// Byte offset in the section.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
}

/// Element type, index type and length of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// BTF id of the elements.
    pub element_type: u32,
    /// BTF id of the integer that counts them.
    pub index_type: u32,
    /// Number of elements.
    pub count: u32,
}

impl<'a> Type<'a> {
    /// `void`, the type with id 0.
    pub const VOID: Type<'static> = Type {
        id: 0,
        name_off: 0,
        info: 0,
        size_or_type: 0,
        trailing: Cow::Borrowed(&[]),
    };

    pub(crate) const fn new(id: u32, header: TypeHeader, trailing: Cow<'a, [u8]>) -> Self {
        Self {
            id,
            name_off: header.name_off,
            info: header.info,
            size_or_type: header.size_or_type,
            trailing,
        }
    }

    /// What this type is.
    pub fn kind(&self) -> Kind {
        Kind::from_number(self.kind_number())
    }

    /// The number behind [`Type::kind`].
    pub const fn kind_number(&self) -> u32 {
        self.info >> 24 & 0x7f
    }

    /// Elements that follow the header; linkage for a FUNC.
    pub const fn vlen(&self) -> u32 {
        self.info & 0xff_ffff
    }

    /// Bit fields in a struct, signedness of an enum, `union` in a FWD.
    pub const fn kind_flag(&self) -> bool {
        self.info >> 31 == 1
    }

    /// Struct or union?
    pub fn is_composite(&self) -> bool {
        matches!(self.kind(), Kind::Struct | Kind::Union)
    }

    /// Enum of either width?
    pub fn is_any_enum(&self) -> bool {
        matches!(self.kind(), Kind::Enum | Kind::Enum64)
    }

    /// `const`, `volatile`, `restrict`, type tag or typedef?
    pub fn is_modifier_or_typedef(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag
        )
    }

    /// Elements of N words each that follow the header.
    pub(super) fn words<const N: usize>(
        &self,
    ) -> impl DoubleEndedIterator<Item = [u32; N]> + ExactSizeIterator + '_ {
        self.trailing
            .chunks_exact(4 * N)
            .map(|chunk| core::array::from_fn(|i| word(chunk, i).unwrap_or(0)))
    }

    /// Members of a struct or union; nothing for other kinds.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = Member> + ExactSizeIterator + '_ {
        let (flag, take) = (self.kind_flag(), self.is_composite());
        let elements = self.words::<3>();
        let count = if take { elements.len() } else { 0 };
        elements
            .take(count)
            .map(move |[name_off, type_id, offset]| Member {
                name_off,
                type_id,
                offset_bits: if flag { offset & 0xff_ffff } else { offset },
                bitfield_bits: if flag { offset >> 24 } else { 0 },
            })
    }

    /// One member of a struct or union.
    pub fn member(&self, index: usize) -> Option<Member> {
        let start = index.checked_mul(12)?;
        let bytes = self.trailing.get(start..)?.get(..12)?;
        let one = Type {
            trailing: Cow::Borrowed(bytes),
            ..*self
        };
        one.members().next()
    }

    /// Values of an enum of either width; nothing for other kinds.
    pub fn enumerators(&self) -> Vec<Enumerator> {
        match self.kind() {
            Kind::Enum => {
                let signed = self.kind_flag();
                let widen = move |v: u32| {
                    if signed {
                        v as i32 as u64
                    } else {
                        u64::from(v)
                    }
                };
                let elements = self.words::<2>();
                elements
                    .map(|[name_off, value]| Enumerator {
                        name_off,
                        value: widen(value),
                    })
                    .collect()
            }
            Kind::Enum64 => {
                let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
                let elements = self.words::<3>();
                elements
                    .map(|[name_off, low, high]| Enumerator {
                        name_off,
                        value: join(low, high),
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Parameters of a function prototype; nothing for other kinds.
    pub fn parameters(&self) -> Vec<Parameter> {
        if self.kind() != Kind::FuncProto {
            return Vec::new();
        }
        let elements = self.words::<2>();
        elements
            .map(|[name_off, type_id]| Parameter { name_off, type_id })
            .collect()
    }

    /// Variables of a DATASEC; nothing for other kinds.
    pub fn sec_vars(&self) -> Vec<SecVar> {
        if self.kind() != Kind::DataSec {
            return Vec::new();
        }
        let elements = self.words::<3>();
        elements
            .map(|[type_id, offset, size]| SecVar {
                type_id,
                offset,
                size,
            })
            .collect()
    }

    /// What an array is made of.
    ///
    /// # Errors
    /// `InvalidInput` for other kinds.
    pub fn array(&self) -> Result<Array> {
        match (self.kind(), self.words::<3>().next()) {
            (Kind::Array, Some([element_type, index_type, count])) => Ok(Array {
                element_type,
                index_type,
                count,
            }),
            _ => Err(Error::invalid_input(format!(
                "BTF type {} is no array",
                self.id
            ))),
        }
    }

    /// Encoding (1 signed, 2 char, 4 bool), bit offset and width of an INT.
    pub fn int(&self) -> Option<Int> {
        let [word] = self.words::<1>().next()?;
        (self.kind() == Kind::Int).then_some(Int {
            encoding: word >> 24 & 0xf,
            offset_bits: word >> 16 & 0xff,
            width_bits: word & 0xff,
        })
    }

    /// The parameter or member that a DECL_TAG is for, from 0; `u32::MAX` where
    /// it is for the type itself.
    pub fn tagged_component(&self) -> Option<u32> {
        let [word] = self.words::<1>().next()?;
        (self.kind() == Kind::DeclTag).then_some(word)
    }

    /// Linkage of a VAR: 0 static, 1 global, 2 extern.
    pub fn var_linkage(&self) -> Option<u32> {
        let [word] = self.words::<1>().next()?;
        (self.kind() == Kind::Var).then_some(word)
    }
}

/// An INT's second word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int {
    /// 1 signed, 2 char, 4 bool.
    pub encoding: u32,
    /// Offset of the value in bits, nearly always 0.
    pub offset_bits: u32,
    /// Width of the value in bits.
    pub width_bits: u32,
}

impl Int {
    /// Is it signed?
    pub const fn is_signed(self) -> bool {
        self.encoding & 1 != 0
    }
}
