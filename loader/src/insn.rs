//! One BPF instruction, as the kernel and the ELF lay it out.
//!
//! Knows the encoding and nothing else: no symbols, no maps, no BTF.
//!
//! Source: `struct bpf_insn`, include/uapi/linux/bpf.h.

use core::fmt;

use crate::error::{Error, Result};

/// Bytes of one instruction.
pub const INSN_SIZE_BYTES: usize = 8;

/// Instruction classes (low three bits of the code).
pub mod class {
    /// Non-standard loads; `ldimm64` is one.
    pub const LD: u8 = 0x00;
    /// Loads from memory into a register.
    pub const LDX: u8 = 0x01;
    /// Stores of an immediate.
    pub const ST: u8 = 0x02;
    /// Stores of a register.
    pub const STX: u8 = 0x03;
    /// 32-bit arithmetic.
    pub const ALU: u8 = 0x04;
    /// 64-bit jumps, calls and exit.
    pub const JMP: u8 = 0x05;
    /// 32-bit jumps.
    pub const JMP32: u8 = 0x06;
    /// 64-bit arithmetic.
    pub const ALU64: u8 = 0x07;
}

/// Access widths of loads and stores (bits 3 and 4 of the code).
pub mod width {
    /// Four bytes.
    pub const W: u8 = 0x00;
    /// Two bytes.
    pub const H: u8 = 0x08;
    /// One byte.
    pub const B: u8 = 0x10;
    /// Eight bytes.
    pub const DW: u8 = 0x18;
    /// All bits of the width.
    pub const MASK: u8 = 0x18;
}

/// Access modes of loads and stores (bits 5 to 7 of the code).
pub mod mode {
    /// An immediate.
    pub const IMM: u8 = 0x00;
    /// Memory at register + offset.
    pub const MEM: u8 = 0x60;
    /// Memory, sign-extended. Kernel: 6.6
    pub const MEMSX: u8 = 0x80;
    /// All bits of the mode.
    pub const MASK: u8 = 0xe0;
}

/// Code of the first half of a 64-bit immediate load.
pub const LDIMM64: u8 = class::LD | mode::IMM | width::DW;
/// Code of a call.
pub const CALL: u8 = class::JMP | 0x80;
/// Code of the end of a program or subprogram.
pub const EXIT: u8 = class::JMP | 0x90;

/// Meanings of the source register in `ldimm64` and calls.
///
/// Source: `BPF_PSEUDO_*`, include/uapi/linux/bpf.h.
pub mod pseudo {
    /// `ldimm64`: the immediate is a map's file descriptor.
    pub const MAP_FD: u8 = 1;
    /// `ldimm64`: descriptor in the first, value offset in the second half.
    pub const MAP_VALUE: u8 = 2;
    /// `ldimm64`: the immediate is the BTF id of a kernel variable.
    pub const BTF_ID: u8 = 3;
    /// `ldimm64`: the immediate is the distance to a subprogram.
    pub const FUNC: u8 = 4;
    /// Call: the immediate is the distance to a subprogram.
    pub const CALL: u8 = 1;
    /// Call: the immediate is the BTF id of a kernel function.
    pub const KFUNC_CALL: u8 = 2;
}

/// One instruction slot; `ldimm64` takes two.
///
/// ```
/// use trapline_loader::insn::{self, Insn};
///
/// // bpf_ktime_get_ns(); return 0;
/// let program = [Insn::call(5), Insn::mov64_imm(0, 0), Insn::exit()];
/// let bytes = insn::to_bytes(&program);
/// assert_eq!(bytes.len(), 24);
/// assert_eq!(insn::from_bytes(&bytes)?, program);
/// # Ok::<(), trapline_loader::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Insn {
    /// Operation: class, then width and mode or operation and source.
    pub code: u8,
    /// Destination register in the low nibble, source in the high one.
    pub regs: u8,
    /// Byte offset of a memory access, or jump distance in slots.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

const _: () = assert!(size_of::<Insn>() == INSN_SIZE_BYTES && align_of::<Insn>() == 4);

impl Insn {
    /// An instruction from its parts; registers are cut to four bits.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Self {
        Self {
            code,
            regs: (dst & 0xf) | (src << 4),
            off,
            imm,
        }
    }

    /// Both halves of `dst = value`, 64 bits wide.
    pub const fn ldimm64(dst: u8, src: u8, value: u64) -> [Self; 2] {
        [
            Self::new(LDIMM64, dst, src, 0, value as u32 as i32),
            Self::new(0, 0, 0, 0, (value >> 32) as u32 as i32),
        ]
    }

    /// `dst = imm`, 64-bit move of a sign-extended 32-bit immediate.
    pub const fn mov64_imm(dst: u8, imm: i32) -> Self {
        Self::new(class::ALU64 | 0xb0, dst, 0, 0, imm)
    }

    /// A call of helper `id`.
    pub const fn call(id: i32) -> Self {
        Self::new(CALL, 0, 0, 0, id)
    }

    /// The end of a program.
    pub const fn exit() -> Self {
        Self::new(EXIT, 0, 0, 0, 0)
    }

    /// One instruction from its eight little-endian bytes.
    pub const fn from_le_bytes(b: [u8; INSN_SIZE_BYTES]) -> Self {
        Self {
            code: b[0],
            regs: b[1],
            off: i16::from_le_bytes([b[2], b[3]]),
            imm: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    /// The eight little-endian bytes of this instruction.
    pub const fn to_le_bytes(self) -> [u8; INSN_SIZE_BYTES] {
        let (off, imm) = (self.off.to_le_bytes(), self.imm.to_le_bytes());
        [
            self.code, self.regs, off[0], off[1], imm[0], imm[1], imm[2], imm[3],
        ]
    }

    /// Destination register, 0 to 15.
    pub const fn dst(self) -> u8 {
        self.regs & 0xf
    }

    /// Source register, or the pseudo meaning of `ldimm64` and calls.
    pub const fn src(self) -> u8 {
        self.regs >> 4
    }

    /// Replaces the source register.
    pub const fn set_src(&mut self, src: u8) {
        self.regs = self.dst() | (src << 4);
    }

    /// The class: see [`class`].
    pub const fn class(self) -> u8 {
        self.code & 0x07
    }

    /// Is this the first half of a 64-bit immediate load?
    pub const fn is_ldimm64(self) -> bool {
        self.code == LDIMM64
    }

    /// Is this a call of a subprogram of the same program?
    pub const fn is_subprog_call(self) -> bool {
        self.code == CALL && self.src() == pseudo::CALL
    }

    /// Is this a call of a helper function, by its number?
    pub const fn is_helper_call(self) -> bool {
        self.code == CALL && self.src() == 0
    }

    /// Is this a 64-bit load of a subprogram's address (a callback)?
    pub const fn is_func_address(self) -> bool {
        self.is_ldimm64() && self.src() == pseudo::FUNC
    }
}

impl fmt::Debug for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Insn({:#04x} dst=r{} src={} off={} imm={:#x})",
            self.code,
            self.dst(),
            self.src(),
            self.off,
            self.imm
        )
    }
}

/// Instructions from the bytes of a program section.
///
/// # Errors
/// `Malformed` where the length is no multiple of eight.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Insn>> {
    if bytes.len() % INSN_SIZE_BYTES != 0 {
        return Err(Error::malformed(format!(
            "{} bytes of instructions are no multiple of {INSN_SIZE_BYTES}",
            bytes.len()
        )));
    }
    let chunks = bytes.chunks_exact(INSN_SIZE_BYTES);
    // Of a length that is known: nothing grows.
    let insn = |chunk: &[u8]| {
        let chunk = chunk.first_chunk().copied();
        Insn::from_le_bytes(chunk.unwrap_or_default())
    };
    Ok(chunks.map(insn).collect())
}

/// The bytes the kernel reads, eight per instruction, little-endian.
pub fn to_bytes(insns: &[Insn]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(insns));
    for insn in insns {
        bytes.extend_from_slice(&insn.to_le_bytes());
    }
    bytes
}

/// The 64-bit immediate of the `ldimm64` at `at`, or `None` if there is none.
pub fn ldimm64_value(insns: &[Insn], at: usize) -> Option<u64> {
    let (low, high) = (insns.get(at)?, insns.get(at.checked_add(1)?)?);
    low.is_ldimm64()
        .then(|| u64::from(low.imm as u32) | u64::from(high.imm as u32) << 32)
}

/// Sets the 64-bit immediate of the `ldimm64` at `at`.
///
/// # Errors
/// `InvalidInput` where there is no complete `ldimm64` at `at`.
pub fn set_ldimm64_value(insns: &mut [Insn], at: usize, value: u64) -> Result<()> {
    match insns.get_mut(at..).unwrap_or_default() {
        [low, high, ..] if low.is_ldimm64() => {
            low.imm = value as u32 as i32;
            high.imm = (value >> 32) as u32 as i32;
            Ok(())
        }
        _ => Err(Error::invalid_input(format!(
            "no 64-bit immediate load at instruction {at}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        let insns = [
            Insn::new(class::LDX | mode::MEM | width::DW, 1, 6, -8, 0),
            Insn::call(-1),
            Insn::exit(),
        ];
        assert_eq!(from_bytes(&to_bytes(&insns)).unwrap(), insns);
        assert_eq!(to_bytes(&insns)[..4], [0x79, 0x61, 0xf8, 0xff]);
    }

    #[test]
    fn a_torn_instruction_is_an_error() {
        assert!(from_bytes(&[0; 12]).is_err());
    }

    #[test]
    fn ldimm64_keeps_all_64_bits() {
        let mut insns = Insn::ldimm64(3, pseudo::MAP_VALUE, 0).to_vec();
        set_ldimm64_value(&mut insns, 0, 0xdead_beef_0bad_f00d).unwrap();
        assert_eq!(ldimm64_value(&insns, 0), Some(0xdead_beef_0bad_f00d));
        assert_eq!((insns[0].dst(), insns[0].src()), (3, pseudo::MAP_VALUE));
    }

    #[test]
    fn half_an_ldimm64_cannot_be_set() {
        let mut insns = Insn::ldimm64(0, 0, 0)[..1].to_vec();
        assert!(set_ldimm64_value(&mut insns, 0, 1).is_err());
        assert!(set_ldimm64_value(&mut insns, 9, 1).is_err());
        assert_eq!(ldimm64_value(&insns, 0), None);
    }
}
