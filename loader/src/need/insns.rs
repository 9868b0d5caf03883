//! Instructions that not every kernel knows.
//!
//! Source: Documentation/bpf/standardization/instruction-set.rst, and the
//! commits that brought each to kernel/bpf/verifier.c.

use super::Version;
use crate::insn::{CALL, Insn, class, mode, pseudo, width};
use std::collections::BTreeSet;

/// What some instructions need.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub features: BTreeSet<(Version, &'static str)>,
    /// Numbers of the helpers that are called.
    pub helpers: BTreeSet<i32>,
}

/// Source bit of arithmetic and jumps: set, the operand is a register.
const REGISTER: u8 = 0x08;
/// The operation of arithmetic and jumps.
const OPERATION: u8 = 0xf0;
const ATOMIC: u8 = 0xc0;

impl Found {
    /// Looks at all instructions of a program.
    pub fn scan(&mut self, insns: &[Insn]) {
        /// Programs were no longer than this, whoever loaded them.
        const OLD_LIMIT_INSNS: usize = 4096;
        if insns.len() > OLD_LIMIT_INSNS {
            self.add(5, 2, "programs of over 4096 instructions");
        }
        let mut insns = insns.iter();
        while let Some(insn) = insns.next() {
            if insn.is_ldimm64() {
                self.load(insn);
                // Its second half is no instruction.
                insns.next();
            } else {
                self.look(insn);
            }
        }
    }

    fn add(&mut self, major: u16, minor: u16, feature: &'static str) {
        self.features.insert((Version(major, minor), feature));
    }

    fn load(&mut self, insn: &Insn) {
        match insn.src() {
            pseudo::MAP_VALUE => self.add(5, 2, "global data"),
            pseudo::BTF_ID => self.add(5, 10, "kernel variables by BTF id"),
            pseudo::FUNC => self.add(5, 13, "callbacks"),
            // 5: a map by its place among the maps that the loader lists.
            5 | 6 => self.add(5, 14, "maps by index"),
            _ => {}
        }
    }

    fn look(&mut self, insn: &Insn) {
        let operation = insn.code & OPERATION;
        match insn.class() {
            class::JMP if insn.code == CALL => match insn.src() {
                0 => {
                    self.helpers.insert(insn.imm);
                }
                pseudo::CALL => self.add(4, 16, "subprograms"),
                // Of functions of the kernel the externs say which, and whether they may be missing.
                _ => {}
            },
            class::JMP if operation == 0xe0 => self.add(6, 9, "may_goto"),
            class::JMP if insn.code == class::JMP | REGISTER => self.add(6, 19, "gotox"),
            class::JMP32 if operation == 0 => self.add(6, 6, "gotol (cpu v4)"),
            class::JMP32 => self.add(5, 1, "32-bit jumps (cpu v3)"),
            class::LDX if insn.code & mode::MASK == mode::MEMSX => {
                self.add(6, 6, "sign-extending loads (cpu v4)");
            }
            class::STX if insn.code & mode::MASK == ATOMIC => self.atomic(insn),
            class::ALU | class::ALU64 => self.arithmetic(insn, operation),
            _ => {}
        }
    }

    fn atomic(&mut self, insn: &Insn) {
        match insn.imm {
            // Plain addition is as old as BPF, whatever its width.
            0 => {}
            0x100 | 0x110 => self.add(6, 15, "load-acquire and store-release"),
            _ => self.add(5, 12, "atomic operations (cpu v3)"),
        }
        if matches!(insn.code & width::MASK, width::B | width::H) {
            self.add(6, 15, "load-acquire and store-release");
        }
    }

    fn arithmetic(&mut self, insn: &Insn, operation: u8) {
        let is_register = insn.code & REGISTER != 0;
        match (operation, insn.off) {
            (0x30 | 0x90, 1) => self.add(6, 6, "signed division (cpu v4)"),
            (0xb0, 8 | 16 | 32) if is_register => {
                self.add(6, 6, "sign-extending moves (cpu v4)");
            }
            (0xb0, 1) if is_register => self.add(6, 9, "arena pointers"),
            (0xb0, -1) if is_register => self.add(6, 10, "per-CPU addresses"),
            (0xd0, _) if insn.class() == class::ALU64 => {
                self.add(6, 6, "unconditional byte swaps (cpu v4)");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(insns: &[Insn]) -> Vec<String> {
        let mut found = Found::default();
        found.scan(insns);
        let texts = found.features.iter();
        texts
            .map(|(since, text)| format!("{since} {text}"))
            .collect()
    }

    #[test]
    fn plain_instructions_need_nothing() {
        let insns = [
            Insn::mov64_imm(0, 1),
            Insn::new(class::STX | ATOMIC | width::DW, 1, 2, 0, 0),
            Insn::new(class::ALU | 0xd0 | REGISTER, 0, 0, 0, 16),
            Insn::new(class::JMP, 0, 0, 3, 0),
            Insn::exit(),
        ];
        assert_eq!(features(&insns), [""; 0]);
    }

    #[test]
    fn each_instruction_set_is_told_apart() {
        let one = |insn| features(&[insn]).join(", ");
        let jmp32 = Insn::new(class::JMP32 | 0x10, 1, 0, 2, 0);
        assert_eq!(one(jmp32), "5.1 32-bit jumps (cpu v3)");
        let fetch_add = Insn::new(class::STX | ATOMIC | width::DW, 1, 2, 0, 1);
        assert_eq!(one(fetch_add), "5.12 atomic operations (cpu v3)");
        let gotol = Insn::new(class::JMP32, 0, 0, 0, 7);
        assert_eq!(one(gotol), "6.6 gotol (cpu v4)");
        let sdiv = Insn::new(class::ALU64 | 0x30, 1, 0, 1, 3);
        assert_eq!(one(sdiv), "6.6 signed division (cpu v4)");
        let may_goto = Insn::new(class::JMP | 0xe0, 0, 0, 2, 0);
        assert_eq!(one(may_goto), "6.9 may_goto");
    }

    #[test]
    fn the_second_half_of_a_load_is_no_instruction() {
        let mut insns = Insn::ldimm64(1, pseudo::FUNC, 0);
        insns[1].code = CALL;
        let mut found = Found::default();
        found.scan(&insns);
        assert!(found.helpers.is_empty());
        assert_eq!(features(&insns), ["5.13 callbacks"]);
    }

    #[test]
    fn helpers_are_calls_without_a_meaning_of_their_own() {
        let mut found = Found::default();
        found.scan(&[Insn::call(131), Insn::new(CALL, 0, 2, 0, 77)]);
        assert_eq!(found.helpers.into_iter().collect::<Vec<_>>(), [131]);
    }
}
