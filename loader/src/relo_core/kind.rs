//! What a relocation asks about its target.

/// Kinds of CO-RE relocations.
///
/// Source: `enum bpf_core_relo_kind`, include/uapi/linux/bpf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum ReloKind {
    /// Byte offset of a field.
    FieldByteOffset = 0,
    /// Size of a field in bytes.
    FieldByteSize,
    /// Does a field exist?
    FieldExists,
    /// Is a field signed?
    FieldSigned,
    /// Left shift that brings a bit field to the top of 64 bits.
    FieldLshiftU64,
    /// Right shift that then brings it down again.
    FieldRshiftU64,
    /// BTF id in the object.
    TypeIdLocal,
    /// BTF id in the kernel.
    TypeIdTarget,
    /// Does a type exist?
    TypeExists,
    /// Size of a type in bytes.
    TypeSize,
    /// Does an enum have a value of this name?
    EnumvalExists,
    /// Value of an enumerator.
    EnumvalValue,
    /// Is a type shaped as the object says?
    TypeMatches,
}

const KINDS: [ReloKind; 13] = [
    ReloKind::FieldByteOffset,
    ReloKind::FieldByteSize,
    ReloKind::FieldExists,
    ReloKind::FieldSigned,
    ReloKind::FieldLshiftU64,
    ReloKind::FieldRshiftU64,
    ReloKind::TypeIdLocal,
    ReloKind::TypeIdTarget,
    ReloKind::TypeExists,
    ReloKind::TypeSize,
    ReloKind::EnumvalExists,
    ReloKind::EnumvalValue,
    ReloKind::TypeMatches,
];

impl ReloKind {
    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        KINDS.get(usize::try_from(number).ok()?).copied()
    }

    /// About a field?
    pub const fn is_field(self) -> bool {
        (self as u32) <= Self::FieldRshiftU64 as u32
    }

    /// About an enumerator?
    pub const fn is_enumval(self) -> bool {
        matches!(self, Self::EnumvalExists | Self::EnumvalValue)
    }

    /// About a whole type?
    pub const fn is_type(self) -> bool {
        !self.is_field() && !self.is_enumval()
    }

    /// The words for messages.
    pub const fn text(self) -> &'static str {
        match self {
            Self::FieldByteOffset => "byte offset",
            Self::FieldByteSize => "byte size",
            Self::FieldExists => "field exists",
            Self::FieldSigned => "signedness",
            Self::FieldLshiftU64 => "left shift",
            Self::FieldRshiftU64 => "right shift",
            Self::TypeIdLocal => "local type id",
            Self::TypeIdTarget => "target type id",
            Self::TypeExists => "type exists",
            Self::TypeSize => "type size",
            Self::EnumvalExists => "enumerator exists",
            Self::EnumvalValue => "enumerator value",
            Self::TypeMatches => "type matches",
        }
    }
}
