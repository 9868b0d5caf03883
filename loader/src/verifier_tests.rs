use super::*;

const READ: &str = "\
0: R1=ctx() R10=fp0
; return *(int *)0; @ bad.bpf.c:9
0: (b7) r1 = 0                        ; R1_w=0
1: (61) r0 = *(u32 *)(r1 +0)
R1 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

#[test]
fn the_complaint_is_the_last_line_before_the_statistics() {
    let found = complaint(READ).unwrap();
    assert_eq!(found.reason, "R1 invalid mem access 'scalar'");
    assert_eq!(found.insn, Some(1));
    assert!(found.above.ends_with("'scalar'"));
    assert!(!found.lacks_registers());
    assert!(!found.poisoned);
}

const REPORTED: &str = "\
0: R1=ctx() R10=fp0
1: (b7) r1 = 0                        ; R1=0
2: (61) r0 = *(u32 *)(r1 +0)
R1 invalid mem access 'scalar'

Verification failed: Register Type Safety: Invalid dereference

Reason:
  R1 is an integer scalar here, not a pointer to memory, as this long
  sentence says.

At:
  Instruction context:
  >>> 7 | (61) r0 = *(u32 *)(r1 +0)

Suggestion:
  Preserve a pointer-valued register where needed.

processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

#[test]
fn the_report_of_newer_kernels_explains_the_complaint() {
    let found = complaint(REPORTED).unwrap();
    assert_eq!(found.reason, "R1 invalid mem access 'scalar'");
    assert_eq!(found.insn, Some(2));
    assert_eq!(
        found.explanation,
        Some(
            "R1 is an integer scalar here, not a pointer to memory, as this long sentence says."
                .into()
        )
    );
    assert_eq!(
        found.suggestion.as_deref(),
        Some("Preserve a pointer-valued register where needed.")
    );
    assert!(found.above.ends_with("'scalar'"), "{}", found.above);
}

#[test]
fn a_report_whose_head_is_cut_still_gives_the_reason() {
    let cut = &REPORTED[REPORTED.find("Verification").unwrap()..];
    let found = complaint(cut).unwrap();
    assert_eq!(
        found.reason,
        "R1 is an integer scalar here, not a pointer to memory, as this long sentence says."
    );
    assert_eq!(found.explanation, None);
}

#[test]
fn an_instruction_before_a_cut_is_not_the_last_one() {
    let log =
        format!("7: (b7) r0 = 0\n8: (b7\n{CUT}\nBPF program is too large.\nprocessed 9 insns\n");
    let found = complaint(&log).unwrap();
    assert_eq!(found.reason, "BPF program is too large.");
    assert_eq!(found.insn, None);
    let nothing = format!("7: (b7) r0 = 0\n{CUT}\n");
    assert_eq!(complaint(&nothing), None);
}

#[test]
fn an_instruction_named_in_the_complaint_wins() {
    let log = "3: (b7) r0 = 0\nback-edge from insn 7 to 3\n";
    assert_eq!(complaint(log).unwrap().insn, Some(7));
}

#[test]
fn a_poisoned_relocation_is_recognised() {
    let log = "4: (85) call unknown#195896080\ninvalid func unknown#195896080\nprocessed 5 insns (limit 1000000)\n";
    let found = complaint(log).unwrap();
    assert!(found.poisoned);
    assert_eq!(found.insn, Some(4));
}

#[test]
fn a_poisoned_call_is_recognised_behind_other_words() {
    let log = "4: (85) call unknown#195896080\nsome new wording\n";
    assert!(complaint(log).unwrap().poisoned);
}

#[test]
fn the_excerpt_has_twenty_lines_at_most() {
    let log: String = (0..100).map(|i| format!("{i}: (b7) r0 = {i}\n")).collect();
    let log = log
        + "R0 !read_ok\nverification time 5 usec\nstack depth 0\nprocessed 100 insns (limit 1000000)\n";
    let error = crate::Error::invalid_input("x").with_verifier_log(log);
    let excerpt = error.verifier_excerpt().unwrap();
    assert_eq!(excerpt.lines().count(), 20);
    assert!(excerpt.starts_with("81: "), "{excerpt}");
    assert!(excerpt.ends_with("R0 !read_ok"), "{excerpt}");
}

#[test]
fn all_that_is_said_of_the_last_instruction_is_the_reason() {
    let log = "13: (0f) r0 += r1\nlast_idx 13 first_idx 0\n14: (61) r1 = *(u32 *)(r0 +0)\n \
        R0_w=map_value(id=0,off=0) R10=fp0\ninvalid access to map value, value_size=32 off=60 \
        size=4\nR0 max value is outside of the allowed memory range\nprocessed 14 insns\n";
    let found = complaint(log).unwrap();
    assert_eq!(
        found.reason,
        "invalid access to map value, value_size=32 off=60 size=4; \
         R0 max value is outside of the allowed memory range"
    );
    assert!(!found.lacks_registers());
}

#[test]
fn a_log_without_registers_says_so() {
    let log =
        "0: (79) r1 = *(u64 *)(r1 +8)\n1: (61) r0 = *(u32 *)(r1 +8)\nR1 invalid mem access 'inv'\n";
    assert!(complaint(log).unwrap().lacks_registers());
    let without_insns = "combined stack size of 2 calls is 640. Too large\n";
    assert!(!complaint(without_insns).unwrap().lacks_registers());
}

#[test]
fn a_log_without_a_complaint_has_none() {
    for log in [
        "",
        "\n\n",
        "processed 2 insns (limit 1000000)\n",
        "\u{fffd}",
    ] {
        let reason = complaint(log).map(|found| found.reason);
        assert_eq!(reason.is_none(), !log.contains('\u{fffd}'), "{log:?}");
    }
}

#[test]
fn logs_cut_anywhere_are_read_without_panic() {
    for log in [READ, REPORTED] {
        for end in 0..log.len() {
            let _ = complaint(&log[..end]);
            let _ = complaint(&log[end..]);
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let buffer = b"1: (61) r0 = 0\nbad \xff name\0rest";
    assert_eq!(text(buffer), "1: (61) r0 = 0\nbad \u{fffd} name");
    assert_eq!(complaint(&text(buffer)).unwrap().insn, Some(1));
}

#[test]
fn multibyte_text_is_never_cut_inside_a_character() {
    let log = "é\n".repeat(50) + "7: (é";
    let found = complaint(&log).unwrap();
    assert_eq!(found.reason, "7: (é");
    assert_eq!(found.insn, None);
}

#[test]
fn lines_about_functions_are_no_complaint() {
    let counts = "subprog 0 (both) main insns_self 2 insns_total 2 stack 32\nprocessed 2 ";
    let log = READ.replace("processed 2 ", counts);
    let found = complaint(&log).unwrap();
    assert_eq!(found.reason, "R1 invalid mem access 'scalar'");
    // Only such lines.
    let log = READ.replace("processed 2 ", "subprog 3 is too deep\nprocessed 2 ");
    assert!(complaint(&log).unwrap().reason.ends_with("too deep"));
}
