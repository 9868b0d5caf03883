//! Which instructions of a program can be reached, as far as constants tell.
//!
//! A program asks `bpf_core_field_exists` before it reads a field that not all
//! kernels have. The answer is a constant in an instruction, the branch on it
//! has one way out, and the read that is not taken is poisoned and never looked
//! at by the verifier. This follows constants through registers, those of the
//! instructions and those in `.rodata`, to tell such a read from one that nothing
//! guards. What it calls unreachable is; what it
//! calls reachable may still not be: the verifier knows more than constants.

mod values;

use crate::insn::{CALL, EXIT, Insn, class, ldimm64_value, mode, pseudo, width};
use crate::spec::{MapKind, MapRef, MapSpec, ObjectSpec, ProgramSpec};
use std::collections::BTreeMap;
use values::{REGISTER, Registers, Value, after, arithmetic, compare, set};

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

#[cfg(test)]
mod tests;
