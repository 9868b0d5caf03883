//! What registers hold, as far as constants tell, and what instructions make of it.

use crate::insn::{Insn, class};

/// What a register is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    /// The address of a byte of a map that nobody can write to.
    Constant {
        map: u32,
        offset: u32,
    },
}

/// What is known of the registers r0 to r10.
pub(super) type Registers = [Option<Value>; 11];

/// Bit of arithmetic and jumps: the operand is a register.
pub(super) const REGISTER: u8 = 0x08;

fn number(registers: &Registers, register: u8) -> Option<u64> {
    match (*registers.get(usize::from(register))?)? {
        Value::Number(number) => Some(number),
        Value::Constant { .. } => None,
    }
}

pub(super) fn set(registers: &mut Registers, register: usize, value: Option<Value>) {
    if let Some(place) = registers.get_mut(register) {
        *place = value;
    }
}

/// The second operand: an immediate, sign-extended, or a register.
fn operand(insn: Insn, registers: &Registers) -> Option<u64> {
    if insn.code & REGISTER == 0 {
        return Some(i64::from(insn.imm) as u64);
    }
    number(registers, insn.src())
}

/// The result of an arithmetic instruction, where it is known.
pub(super) fn arithmetic(insn: Insn, registers: &Registers) -> Option<Value> {
    /// Moves and additions, 64 bits wide.
    const MOVE: u8 = class::ALU64 | 0xb0 | REGISTER;
    const ADD: u8 = class::ALU64;
    let at = |register: u8| registers.get(usize::from(register)).copied().flatten();
    match (insn.code, insn.off, at(insn.dst())) {
        (MOVE, 0, _) => at(insn.src()),
        (ADD, 0, Some(Value::Constant { map, offset })) => {
            let offset = offset.checked_add_signed(insn.imm)?;
            Some(Value::Constant { map, offset })
        }
        _ => calculate(insn, registers).map(Value::Number),
    }
}

fn calculate(insn: Insn, registers: &Registers) -> Option<u64> {
    let is_wide = insn.class() == class::ALU64;
    let cut = |value: u64| if is_wide { value } else { value & 0xffff_ffff };
    let operation = insn.code & 0xf0;
    // Later instruction sets change the meaning by the offset.
    if insn.off != 0 || operation == 0xd0 {
        return None;
    }
    let a = number(registers, insn.dst());
    if operation == 0x80 {
        return a.map(|a| cut(cut(a).wrapping_neg()));
    }
    let b = cut(operand(insn, registers)?);
    if operation == 0xb0 {
        return Some(b);
    }
    // Anything and nothing is nothing.
    if operation == 0x50 && b == 0 {
        return Some(0);
    }
    let a = cut(a?);
    let bits = if is_wide { 64 } else { 32 };
    let shift = u32::try_from(b).ok().filter(|shift| *shift < bits);
    Some(cut(match operation {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a << shift?,
        0x70 => a >> shift?,
        0xa0 => a ^ b,
        0xc0 if is_wide => ((a as i64) >> shift?) as u64,
        0xc0 => ((a as u32 as i32) >> shift?) as u32 as u64,
        _ => return None,
    }))
}

/// Whether a conditional jump is taken, where that is known.
pub(super) fn compare(insn: Insn, registers: &Registers) -> Option<bool> {
    let a = number(registers, insn.dst())?;
    let b = operand(insn, registers)?;
    let is_wide = insn.class() == class::JMP;
    let (a, b) = if is_wide {
        (a, b)
    } else {
        (a & 0xffff_ffff, b & 0xffff_ffff)
    };
    let signed = |value: u64| {
        if is_wide {
            value as i64
        } else {
            i64::from(value as u32 as i32)
        }
    };
    Some(match insn.code & 0xf0 {
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        0x40 => a & b != 0,
        0x50 => a != b,
        0x60 => signed(a) > signed(b),
        0x70 => signed(a) >= signed(b),
        0xa0 => a < b,
        0xb0 => a <= b,
        0xc0 => signed(a) < signed(b),
        0xd0 => signed(a) <= signed(b),
        _ => return None,
    })
}

/// What a comparison for equality says of its register.
pub(super) fn after(insn: Insn, mut registers: Registers, taken: bool) -> Registers {
    let is_equal = match insn.code & 0xf0 {
        0x10 => taken,
        0x50 => !taken,
        _ => false,
    };
    if is_equal && insn.class() == class::JMP && insn.code & REGISTER == 0 {
        let value = Some(Value::Number(i64::from(insn.imm) as u64));
        set(&mut registers, usize::from(insn.dst()), value);
    }
    registers
}
