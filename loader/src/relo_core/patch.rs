//! The answer to a relocation, written into an instruction.

use super::Resolution;
use crate::error::{Error, Result};
use crate::insn::{self, Insn, class, mode, width};

/// The helper that nobody has: `invalid func unknown#195896080` is how the
/// verifier speaks of it, if it finds the instruction reachable at all.
pub const POISON: i32 = 0x0bad_2310;

/// Source bit of arithmetic: set, the operand is a register.
const SOURCE_REGISTER: u8 = 0x08;

/// Patches the instruction at `at`; true if it is poisoned by that.
pub fn apply(insns: &mut [Insn], at: usize, resolution: &Resolution) -> Result<bool> {
    let Some(&insn) = insns.get(at) else {
        return Err(Error::malformed("past the program's end"));
    };
    if resolution.poison {
        poison(insns, at);
        return Ok(true);
    }
    match insn.class() {
        class::ALU | class::ALU64 => patch_alu(&mut insns[at], resolution)?,
        class::LDX | class::ST | class::STX => {
            return patch_memory(insns, at, resolution);
        }
        class::LD => patch_ldimm64(insns, at, resolution)?,
        _ => return Err(unfit(insn.code)),
    }
    Ok(false)
}

/// Both halves of an `ldimm64`, or the verifier would complain of the second.
fn poison(insns: &mut [Insn], at: usize) {
    let slots = if insns[at].is_ldimm64() { 2 } else { 1 };
    for insn in insns.iter_mut().skip(at).take(slots) {
        *insn = Insn::call(POISON);
    }
}

fn unfit(code: u8) -> Error {
    Error::malformed(format!(
        "an instruction with code {code:#04x} has no place for it"
    ))
}

fn expect(resolution: &Resolution, found: u64) -> Result<()> {
    if resolution.validate && found != resolution.original {
        return Err(Error::malformed(format!(
            "the instruction holds {}, the object's types say {}",
            found as i64, resolution.original as i64
        )));
    }
    Ok(())
}

fn patch_alu(insn: &mut Insn, resolution: &Resolution) -> Result<()> {
    if insn.code & SOURCE_REGISTER != 0 {
        return Err(unfit(insn.code));
    }
    expect(resolution, i64::from(insn.imm) as u64)?;
    insn.imm = resolution.new as u32 as i32;
    Ok(())
}

fn patch_memory(insns: &mut [Insn], at: usize, resolution: &Resolution) -> Result<bool> {
    let insn = &mut insns[at];
    expect(resolution, i64::from(insn.off) as u64)?;
    let offset = i16::try_from(resolution.new).map_err(|_| {
        Error::invalid_input(format!(
            "offset {} does not fit a load or store",
            resolution.new
        ))
    })?;
    if resolution.misfit {
        poison(insns, at);
        return Ok(true);
    }
    if resolution.original_bytes != resolution.new_bytes {
        if access_bytes(*insn) != resolution.original_bytes {
            return Err(Error::malformed(format!(
                "the instruction accesses {} bytes, the object's types say {}",
                access_bytes(*insn),
                resolution.original_bytes
            )));
        }
        let new_width = match resolution.new_bytes {
            1 => width::B,
            2 => width::H,
            4 => width::W,
            8 => width::DW,
            bytes => {
                let text = format!("the kernel's field has {bytes} bytes");
                return Err(Error::invalid_input(text));
            }
        };
        insn.code = insn.code & !width::MASK | new_width;
    }
    insn.off = offset;
    Ok(false)
}

const fn access_bytes(insn: Insn) -> u32 {
    match insn.code & width::MASK {
        width::B => 1,
        width::H => 2,
        width::W => 4,
        _ => 8,
    }
}

fn patch_ldimm64(insns: &mut [Insn], at: usize, resolution: &Resolution) -> Result<()> {
    let low = insns[at];
    let high = insns.get(at + 1).copied();
    let is_plain = low.is_ldimm64()
        && low.src() == 0
        && low.off == 0
        && high.is_some_and(|high| high.code == 0 && high.regs == 0 && high.off == 0);
    if !is_plain {
        return Err(unfit(low.code));
    }
    expect(resolution, insn::ldimm64_value(insns, at).unwrap_or(0))?;
    insn::set_ldimm64_value(insns, at, resolution.new)
}

// A load's mode does not change with its width.
const _: () = assert!(mode::MASK & width::MASK == 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn resolution(original: u64, new: u64) -> Resolution {
        Resolution {
            original,
            new,
            validate: true,
            ..Resolution::default()
        }
    }

    fn load(width: u8, off: i16) -> Insn {
        Insn::new(class::LDX | mode::MEM | width, 1, 2, off, 0)
    }

    #[test]
    fn a_load_gets_the_new_offset() {
        let mut insns = [load(width::W, 8)];
        assert!(!apply(&mut insns, 0, &resolution(8, 1200)).unwrap());
        assert_eq!(insns[0], load(width::W, 1200));
    }

    #[test]
    fn a_load_gets_the_new_width() {
        let mut insns = [load(width::DW, 8)];
        let sizes = Resolution {
            original_bytes: 8,
            new_bytes: 4,
            ..resolution(8, 16)
        };
        assert!(!apply(&mut insns, 0, &sizes).unwrap());
        assert_eq!(insns[0], load(width::W, 16));
    }

    #[test]
    fn a_misfit_poisons_memory_but_not_arithmetic() {
        let misfit = Resolution {
            misfit: true,
            ..resolution(8, 16)
        };
        let mut insns = [load(width::W, 8), Insn::mov64_imm(1, 8)];
        assert!(apply(&mut insns, 0, &misfit).unwrap());
        assert!(!apply(&mut insns, 1, &misfit).unwrap());
        assert_eq!(insns, [Insn::call(POISON), Insn::mov64_imm(1, 16)]);
    }

    #[test]
    fn poison_covers_both_halves() {
        let mut insns = Insn::ldimm64(1, 0, 5);
        let poisoned = Resolution {
            poison: true,
            ..Resolution::default()
        };
        assert!(apply(&mut insns, 0, &poisoned).unwrap());
        assert_eq!(insns, [Insn::call(POISON); 2]);
    }

    #[test]
    fn an_unexpected_old_value_is_an_error() {
        let mut insns = [load(width::W, 4)];
        assert!(apply(&mut insns, 0, &resolution(8, 16)).is_err());
        let mut insns = [Insn::mov64_imm(1, -1)];
        assert!(apply(&mut insns, 0, &resolution(u32::MAX.into(), 1)).is_err());
    }

    #[test]
    fn an_offset_past_16_bits_is_an_error() {
        let mut insns = [load(width::W, 8)];
        assert!(apply(&mut insns, 0, &resolution(8, 0x8000)).is_err());
    }

    #[test]
    fn other_instructions_are_an_error() {
        let mut insns = [Insn::exit(), Insn::new(class::ALU64 | 0x0f, 1, 2, 0, 0)];
        assert!(apply(&mut insns, 0, &resolution(0, 1)).is_err());
        assert!(apply(&mut insns, 1, &resolution(0, 1)).is_err());
        assert!(apply(&mut insns, 2, &resolution(0, 1)).is_err());
    }
}
