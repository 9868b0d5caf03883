//! The lines of a log that are worth showing.

use super::{CUT, insn_index};

/// As many as are shown.
const LINES: usize = 20;

/// What stands for lines between two that are shown.
const GAP: &str = "...";

/// How lines begin that only the verifier's authors need: why registers have to
/// be known exactly, what a program's arguments look like in BTF.
const NOISE: &[&str] = &[
    "last_idx ",
    "regs=",
    "parent ",
    "mark_precise: ",
    "arg#",
    "Unrecognized arg#",
    "reg type unsupported for arg#",
    "func#",
    "Live regs ",
];

pub(super) fn is_noise(line: &str) -> bool {
    NOISE.iter().any(|start| line.starts_with(start))
}

/// The last lines of a log that ends with its complaint. Where they do not show
/// the registers that it is about, the line that does comes first.
pub(super) fn of(above: &str, reason: &str) -> String {
    let mut shown: Vec<&str> = Vec::with_capacity(LINES);
    let lines = above.lines().rev().map(str::trim_end);
    let mut lines = lines.filter(|line| !line.is_empty() && !is_noise(line));
    shown.extend(lines.by_ref().take(LINES));
    if lines.next().is_some() {
        let wanted = register(reason);
        let is_shown = shown.iter().any(|line| shows(line, wanted));
        if let Some(state) = registers(above, reason).filter(|_| !is_shown) {
            shown.truncate(LINES - 2);
            shown.extend([GAP, state.trim_end()]);
        }
    }
    shown.reverse();
    shown.join("\n")
}

/// The last line that shows the register that a complaint names, or where it
/// names none, any.
pub(super) fn registers<'l>(above: &'l str, reason: &str) -> Option<&'l str> {
    let wanted = register(reason);
    let mut lines = above.lines().rev().take_while(|line| *line != CUT);
    lines.find(|line| shows(line, wanted))
}

/// The first register in a complaint: `R3`.
fn register(reason: &str) -> Option<&str> {
    let is_register = |word: &&str| {
        let digits = word.strip_prefix('R').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut words = reason.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(is_register)
}

fn shows(line: &str, wanted: Option<&str>) -> bool {
    let Some(state) = state(line) else {
        return false;
    };
    let Some(wanted) = wanted else {
        return true;
    };
    // `R3=`, or `R3_w=` where it has just been written.
    state.match_indices(wanted).any(|(at, _)| {
        let rest = &state[at + wanted.len()..];
        rest.starts_with('=') || rest.starts_with('_')
    })
}

pub(super) fn is_state(line: &str) -> bool {
    insn_index(line).is_none() && state(line).is_some()
}

/// The registers that a line shows: behind an instruction, or on a line of
/// their own, which may say from where the verifier came.
fn state(line: &str) -> Option<&str> {
    let text = match insn_index(line) {
        Some(_) => line.split_once("; ")?.1,
        None => {
            // Two states that should differ: of a loop.
            let line = line.strip_prefix("cur state: ").unwrap_or(line);
            let line = line.strip_prefix("old state: ").unwrap_or(line);
            let line = line.trim_start();
            match line.split_once(": ") {
                Some((place, rest)) if is_place(place) => rest,
                _ => line,
            }
        }
    };
    let text = text.trim_start();
    let text = match text.strip_prefix("frame") {
        Some(rest) => rest.split_once(": ")?.1.trim_start(),
        None => text,
    };
    let digits = text.strip_prefix('R')?;
    let digits = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let shows = text.len() - digits.len() > 1 && (digits.starts_with(['=', '_']));
    shows.then_some(text)
}

/// `12`, or `from 7 to 12`.
fn is_place(text: &str) -> bool {
    let text = text.strip_prefix("from ").unwrap_or(text);
    let mut words = text.split(' ');
    words.all(|word| word == "to" || word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_found_in_every_place_that_kernels_print_them_at() {
        for line in [
            "0: R1=ctx(id=0,off=0,imm=0) R10=fp0",
            " R0_w=mem(id=0,ref_obj_id=2,off=0,imm=0) R10=fp0 refs=2",
            "from 5 to 7: R0=scalar() R10=fp0",
            "from 5 to 7: frame1: R0=scalar() R10=fp0",
            "14: frame1: R1=ctx() R10=fp0",
            "old state: R1=P0 R10=fp0",
            "3: (b7) r0 = 0                        ; R0=0 refs=2",
        ] {
            assert!(state(line).is_some(), "{line}");
        }
        for line in [
            "R1 invalid mem access 'scalar'",
            "3: (b7) r0 = 0",
            "; return R1=2;",
            "R0 !read_ok",
            "8: (b7) r0 = 0                       ; refs=2",
            "invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)",
            "",
        ] {
            assert_eq!(state(line), None, "{line}");
        }
    }

    #[test]
    fn the_register_that_a_complaint_names_is_shown_from_afar() {
        let mut log = "5: (b7) r3 = 0      ; R3_w=0\n6: (b7) r2 = 0  ; R2=0 R33=1\n".to_owned();
        log.extend((7..60).map(|i| format!("{i}: (b7) r1 = {i}   ; R1=1\n")));
        log += "60: (61) r0 = *(u32 *)(r3 +0)\nR3 invalid mem access 'scalar'";
        let text = of(&log, "R3 invalid mem access 'scalar'");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 20);
        assert_eq!(lines[0], "5: (b7) r3 = 0      ; R3_w=0");
        assert_eq!(lines[1], "...");
        assert_eq!(lines[19], "R3 invalid mem access 'scalar'");
        let near = of(&log, "R1 invalid mem access 'scalar'");
        assert!(near.starts_with("42: (b7) r1 = 42"), "{near}");
    }

    #[test]
    fn what_only_authors_need_is_left_out() {
        let log = "arg#0 type is not a struct\n0: (b7) r1 = 0\nlast_idx 1 first_idx 0\n\
            regs=2 stack=0 before 0: (b7) r1 = 0\nR0 !read_ok";
        assert_eq!(of(log, "R0 !read_ok"), "0: (b7) r1 = 0\nR0 !read_ok");
    }

    #[test]
    fn nothing_is_shown_from_before_a_cut() {
        let log = format!("1: (b7) r3 = 0 ; R3=0\n{CUT}\nR3 invalid mem access 'scalar'");
        assert_eq!(registers(&log, "R3 invalid"), None);
    }
}
