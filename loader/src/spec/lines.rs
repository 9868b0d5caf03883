//! Which line of C an instruction comes from.

use super::{ObjectSpec, ProgramSpec};
use crate::btf::Types;
use crate::ext_info::LineInfo;
use crate::insn::{Insn, class};
use crate::relo_core::POISON;

impl ObjectSpec {
    /// The source line of an instruction of a program: file, line, text.
    pub fn line_at(&self, program: &ProgramSpec, insn: usize) -> Option<(String, u32, String)> {
        let btf = self.btf.as_ref()?;
        let line = record_at(program, insn)?;
        let file = btf.text(line.file_name_off).ok()?;
        let text = btf.text(line.line_off).ok()?;
        Some((file, line.line(), text.trim().to_owned()))
    }
}

/// The last record up to an instruction; for a relocated offset that has none of
/// its own, that of the statement which uses it.
///
/// clang gives the load of an offset no line, and so the one before has it. What
/// uses the offset has a line: a record of its own, unless it is the same line
/// once more.
fn record_at(program: &ProgramSpec, insn: usize) -> Option<LineInfo> {
    let at = |line: &LineInfo| line.insn_offset as usize;
    let lines = || program.line_info.iter();
    let last = lines().take_while(|line| at(line) <= insn).last()?;
    let mut relos = program.core_relos.iter();
    if at(&last) == insn || !relos.any(|relo| relo.insn == insn) {
        return Some(last);
    }
    let next = lines().find(|line| at(line) > insn);
    let used = next.filter(|line| {
        let between = program.insns.get(insn..at(line)).unwrap_or_default();
        between.iter().all(is_lineless)
    });
    used.or(Some(last))
}

/// Can an instruction have come from no line? Calls, jumps and what reads or
/// writes memory come from one, the steps towards an address need not.
fn is_lineless(insn: &Insn) -> bool {
    let is_half_a_load = insn.code == 0 || insn.is_ldimm64();
    let is_arithmetic = matches!(insn.class(), class::ALU | class::ALU64);
    is_arithmetic || is_half_a_load || *insn == Insn::call(POISON)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source lines of a program's relocated instructions.
    fn lines(object: &[u8], program: &str) -> Vec<(usize, u32)> {
        let spec = ObjectSpec::parse("test", object).unwrap();
        let named = |found: &&ProgramSpec| found.name == program;
        let program = spec.programs.iter().find(named).unwrap();
        let relos = program.core_relos.iter().map(|relo| relo.insn);
        relos
            .map(|insn| (insn, spec.line_at(program, insn).unwrap().1))
            .collect()
    }

    #[test]
    fn an_offset_is_of_the_line_that_uses_it() {
        let object = include_bytes!("../../tests/refused/missing_field.bpf.o");
        assert_eq!(lines(object, "reads_missing"), [(1, 16)]);
        // if (bpf_core_field_exists(a)) return READ(a); return READ(b);
        let guarded = lines(object, "asks_first");
        let found: Vec<u32> = guarded.iter().map(|(_, line)| *line).collect();
        assert_eq!(found, [24, 25, 26]);
    }

    #[test]
    fn a_line_that_reads_again_is_not_left() {
        let object = include_bytes!("../../tests/refused/missing_field.bpf.o");
        let mut spec = ObjectSpec::parse("test", object).unwrap();
        let program = &mut spec.programs[0];
        let first = program.line_info.iter().next().unwrap();
        let line = |spec: &ObjectSpec| spec.line_at(&spec.programs[0], 1).unwrap().1;
        assert_ne!(record_at(program, 1), Some(first));
        // A call right after it that has no record: of the line before.
        program.insns[2] = Insn::call(113);
        assert_eq!(line(&spec), first.line());
        spec.programs[0].core_relos.clear();
        spec.programs[0].insns[2] = Insn::mov64_imm(0, 0);
        assert_eq!(line(&spec), first.line());
    }
}
