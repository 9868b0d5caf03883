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
