//! Which instructions of a program can be reached, as far as constants tell.
//!
//! A program asks `bpf_core_field_exists` before it reads a field that not all
//! kernels have. The answer is a constant in an instruction, the branch on it
//! has one way out, and the read that is not taken is poisoned and never looked
//! at by the verifier. This follows constants through registers, those of the
//! instructions and those in `.rodata`, to tell such a read from one that nothing
//! guards. What it calls unreachable is; what it
//! calls reachable may still not be: the verifier knows more than constants.

use crate::insn::{CALL, EXIT, Insn, class, ldimm64_value, mode, pseudo, width};
use crate::spec::{MapKind, MapRef, MapSpec, ObjectSpec, ProgramSpec};
use std::collections::BTreeMap;

/// What a register is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    /// The address of a byte of a map that nobody can write to.
    Constant {
        map: u32,
        offset: u32,
    },
}

/// What is known of the registers r0 to r10.
type Registers = [Option<Value>; 11];

/// Bit of arithmetic and jumps: the operand is a register.
const REGISTER: u8 = 0x08;

/// For each instruction slot of a program of an object, whether it can be
/// reached from the first, with `.rodata` as the object has it now.
pub fn reachable(object: &ObjectSpec, program: &ProgramSpec) -> Vec<bool> {
    follow(&program.insns, &object.maps, &program.map_refs)
}

fn follow(insns: &[Insn], maps: &[MapSpec], map_refs: &[MapRef]) -> Vec<bool> {
    let mut flow = Flow {
        insns,
        maps,
        map_refs,
        reached: vec![false; insns.len()],
        is_target: targets(insns),
        states: BTreeMap::new(),
        open: Vec::new(),
        anywhere: false,
    };
    if let Some(first) = flow.is_target.first_mut() {
        *first = true;
    }
    flow.reach(0, [None; 11]);
    while let Some(at) = flow.open.pop() {
        if let Some(registers) = flow.states.get(&at) {
            flow.run(at, *registers);
        }
    }
    flow.reached
}

/// For each instruction, whether a jump or a call leads to it.
fn targets(insns: &[Insn]) -> Vec<bool> {
    let mut targets = vec![false; insns.len()];
    let mut after_load = false;
    for (at, insn) in insns.iter().enumerate() {
        if core::mem::replace(&mut after_load, insn.is_ldimm64()) {
            after_load = false;
            continue;
        }
        let distance = match insn.class() {
            class::LD if insn.is_func_address() => i64::from(insn.imm),
            _ if insn.is_subprog_call() => i64::from(insn.imm),
            class::JMP if insn.code & REGISTER != 0 && insn.code & 0xf0 == 0 => {
                // A jump to a computed place: it may be any.
                return vec![true; insns.len()];
            }
            class::JMP32 if insn.code & 0xf0 == 0 => i64::from(insn.imm),
            class::JMP | class::JMP32 => i64::from(insn.off),
            _ => continue,
        };
        let target = usize::try_from(at as i64 + 1 + distance).ok();
        if let Some(place) = target.and_then(|target| targets.get_mut(target)) {
            *place = true;
        }
    }
    targets
}

/// All that was found out so far.
struct Flow<'i> {
    insns: &'i [Insn],
    maps: &'i [MapSpec],
    /// By instruction.
    map_refs: &'i [MapRef],
    reached: Vec<bool>,
    is_target: Vec<bool>,
    /// What is known before each target that was reached.
    states: BTreeMap<usize, Registers>,
    /// Targets to go on from, again.
    open: Vec<usize>,
    /// A jump to a computed place was met.
    anywhere: bool,
}

impl Flow<'_> {
    /// Comes to a target; what two ways there disagree on is forgotten.
    fn reach(&mut self, at: usize, registers: Registers) {
        if at >= self.insns.len() {
            return;
        }
        let before = self.states.get(&at).copied();
        let joined = match before {
            None => registers,
            Some(before) => {
                core::array::from_fn(|i| before[i].filter(|_| before[i] == registers[i]))
            }
        };
        if before != Some(joined) {
            self.states.insert(at, joined);
            self.open.push(at);
        }
    }

    /// `distance` slots after the one that follows `at`.
    fn jump(&mut self, at: usize, distance: i64, registers: Registers) {
        if let Ok(target) = usize::try_from(at as i64 + 1 + distance) {
            self.reach(target, registers);
        }
    }

    /// Goes on from a target to the next one, or to where the code ends.
    fn run(&mut self, mut at: usize, mut registers: Registers) {
        while let Some(place) = self.reached.get_mut(at) {
            *place = true;
            let Some((next, after)) = self.step(at, registers) else {
                return;
            };
            if self.is_target.get(next).copied().unwrap_or(true) {
                self.reach(next, after);
                return;
            }
            (at, registers) = (next, after);
        }
    }

    /// One instruction: what comes after it, where that is not a jump away.
    fn step(&mut self, at: usize, mut registers: Registers) -> Option<(usize, Registers)> {
        let insn = self.insns[at];
        let dst = usize::from(insn.dst());
        if insn.is_ldimm64() {
            if insn.is_func_address() {
                self.jump(at, insn.imm.into(), [None; 11]);
            }
            set(&mut registers, dst, self.loaded(at, insn));
            return Some((at + 2, registers));
        }
        match insn.class() {
            class::ALU | class::ALU64 => {
                let value = arithmetic(insn, &registers);
                set(&mut registers, dst, value);
            }
            class::LDX => {
                let value = self.read(insn, &registers);
                set(&mut registers, dst, value);
            }
            // Atomic operations may bring a value back.
            class::STX if insn.code & 0xe0 == 0xc0 => {
                set(&mut registers, usize::from(insn.src()), None);
                set(&mut registers, 0, None);
            }
            // What is left of classic BPF: loads from a packet.
            class::LD => set(&mut registers, 0, None),
            class::JMP | class::JMP32 => {
                return self
                    .branch(at, insn, registers)
                    .map(|registers| (at + 1, registers));
            }
            _ => {}
        }
        Some((at + 1, registers))
    }

    /// What a 64-bit immediate load puts into its register.
    fn loaded(&self, at: usize, insn: Insn) -> Option<Value> {
        match insn.src() {
            0 => ldimm64_value(self.insns, at).map(Value::Number),
            pseudo::MAP_VALUE => {
                let found = self.map_refs.binary_search_by_key(&at, |r| r.insn).ok()?;
                let MapRef {
                    map, value_offset, ..
                } = *self.map_refs.get(found)?;
                let is_constant = self.maps.get(map)?.kind == MapKind::Rodata;
                let map = u32::try_from(map).ok()?;
                let offset = value_offset?;
                is_constant.then_some(Value::Constant { map, offset })
            }
            _ => None,
        }
    }

    /// What a load brings out of memory that nobody can write to.
    fn read(&self, insn: Insn, registers: &Registers) -> Option<Value> {
        let Value::Constant { map, offset } = (*registers.get(usize::from(insn.src()))?)? else {
            return None;
        };
        if insn.code & mode::MASK != mode::MEM {
            return None;
        }
        let size = match insn.code & width::MASK {
            width::B => 1,
            width::H => 2,
            width::W => 4,
            _ => 8,
        };
        let start = offset.checked_add_signed(insn.off.into())?;
        let content = self.maps.get(map as usize)?.content.as_deref()?;
        let bytes = content.get(usize::try_from(start).ok()?..)?.get(..size)?;
        let mut number = [0; 8];
        number.get_mut(..size)?.copy_from_slice(bytes);
        Some(Value::Number(u64::from_le_bytes(number)))
    }

    /// A jump, call or exit: the registers where the next instruction may be
    /// reached without a jump.
    fn branch(&mut self, at: usize, insn: Insn, mut registers: Registers) -> Option<Registers> {
        if insn.code == EXIT {
            return None;
        }
        if insn.code == CALL {
            if insn.src() == pseudo::CALL {
                self.jump(at, insn.imm.into(), [None; 11]);
            }
            registers[..6].fill(None);
            return Some(registers);
        }
        let near = i64::from(insn.off);
        match insn.code & 0xf0 {
            0x00 if insn.code & REGISTER != 0 => {
                // Everything is a target then.
                if !core::mem::replace(&mut self.anywhere, true) {
                    for place in 0..self.insns.len() {
                        self.reach(place, [None; 11]);
                    }
                }
                None
            }
            0x00 if insn.class() == class::JMP32 => {
                self.jump(at, insn.imm.into(), registers);
                None
            }
            0x00 => {
                self.jump(at, near, registers);
                None
            }
            _ => {
                let taken = compare(insn, &registers);
                if taken != Some(false) {
                    self.jump(at, near, after(insn, registers, true));
                }
                (taken != Some(true)).then(|| after(insn, registers, false))
            }
        }
    }
}

fn number(registers: &Registers, register: u8) -> Option<u64> {
    match (*registers.get(usize::from(register))?)? {
        Value::Number(number) => Some(number),
        Value::Constant { .. } => None,
    }
}

fn set(registers: &mut Registers, register: usize, value: Option<Value>) {
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
fn arithmetic(insn: Insn, registers: &Registers) -> Option<Value> {
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
fn compare(insn: Insn, registers: &Registers) -> Option<bool> {
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
fn after(insn: Insn, mut registers: Registers, taken: bool) -> Registers {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(insns: &[Insn]) -> Vec<bool> {
        follow(insns, &[], &[])
    }

    const JEQ: u8 = class::JMP | 0x10;

    fn jump(code: u8, dst: u8, imm: i32, off: i16) -> Insn {
        Insn::new(code, dst, 0, off, imm)
    }

    /// `if (ANSWER == 0) goto end; poison; end: exit`
    fn asked(answer: i32) -> Vec<Insn> {
        vec![
            Insn::mov64_imm(1, answer),
            jump(JEQ, 1, 0, 1),
            Insn::call(0x0bad_2310),
            Insn::exit(),
        ]
    }

    #[test]
    fn what_a_constant_rules_out_is_not_reached() {
        assert_eq!(reachable(&asked(0)), [true, true, false, true]);
        assert_eq!(reachable(&asked(1)), [true; 4]);
    }

    #[test]
    fn two_ways_that_disagree_are_both_followed() {
        let insns = [
            Insn::mov64_imm(1, 0),
            jump(JEQ, 2, 5, 1),
            Insn::mov64_imm(1, 1),
            jump(JEQ, 1, 0, 1),
            Insn::call(1),
            Insn::exit(),
        ];
        assert_eq!(reachable(&insns), [true; 6]);
    }

    #[test]
    fn calls_forget_the_registers_they_may_change() {
        let mut insns = asked(0);
        insns.insert(1, Insn::call(5));
        assert_eq!(reachable(&insns), [true; 5]);
    }

    #[test]
    fn subprograms_and_callbacks_are_reached() {
        let mut callback = Insn::ldimm64(2, pseudo::FUNC, 3);
        callback[0].imm = 3;
        let [low, high] = callback;
        let insns = [
            Insn::new(CALL, 0, pseudo::CALL, 0, 3),
            low,
            high,
            Insn::exit(),
            Insn::exit(),
            Insn::exit(),
            Insn::exit(),
        ];
        let reached = reachable(&insns);
        // The second half of a load is no instruction of its own.
        assert_eq!(reached, [true, true, false, true, true, true, false]);
    }

    #[test]
    fn jumps_out_of_the_program_lead_nowhere() {
        assert_eq!(reachable(&[jump(class::JMP, 0, 0, -9)]), [true]);
        assert_eq!(reachable(&[jump(class::JMP, 0, 0, 99)]), [true]);
        assert!(reachable(&[]).is_empty());
    }

    #[test]
    fn constants_in_memory_are_constants() {
        let map_refs = [MapRef {
            insn: 0,
            map: 0,
            value_offset: Some(4),
        }];
        let map = |kind, content: [u8; 8]| MapSpec {
            kind,
            content: Some(content.to_vec()),
            ..MapSpec::default()
        };
        let [low, high] = Insn::ldimm64(2, pseudo::MAP_VALUE, 4 << 32);
        let insns = [
            low,
            high,
            // Two bytes further on, and back.
            Insn::new(class::ALU64, 2, 0, 0, 2),
            Insn::new(class::LDX | mode::MEM | width::H, 1, 2, -1, 0),
            jump(JEQ, 1, 0x0807, 1),
            Insn::call(0x0bad_2310),
            Insn::exit(),
        ];
        let poison = |kind, content| follow(&insns, &[map(kind, content)], &map_refs)[5];
        assert!(!poison(MapKind::Rodata, [1, 2, 3, 4, 5, 7, 8, 9]));
        assert!(poison(MapKind::Rodata, [1, 2, 3, 4, 5, 0, 0, 9]));
        assert!(poison(MapKind::Data, [1, 2, 3, 4, 5, 7, 8, 9]));
    }
}
