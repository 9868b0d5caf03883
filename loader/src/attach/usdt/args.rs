//! Where a static probe's arguments are: `-4@%esi 8@-16(%rbp) 8@$7` on x86-64,
//! `-4@w0 8@[sp, 16] 8@7` on arm64.
//!
//! Knows the registers' places in `struct pt_regs`, as the program sees it.

use crate::error::{Error, Result, ResultExt};

/// Arguments that a specification has room for (BPF_USDT_MAX_ARG_CNT).
pub(super) const MOST_ARGS: usize = 12;

/// One argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arg {
    /// 1, 2, 4 or 8.
    pub(super) size_bytes: u8,
    pub(super) is_signed: bool,
    pub(super) place: Place,
}

/// Where it is. Registers are byte offsets in `struct pt_regs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Constant(i64),
    Register(u16),
    Memory {
        base: u16,
        offset: i64,
    },
    /// At `base + index << shift + offset`.
    Indexed {
        base: u16,
        index: u16,
        shift: u8,
        offset: i64,
    },
}

/// An architecture's way to write operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    Aarch64,
}

impl Arch {
    /// The architecture of a binary, by `e_machine`.
    pub(super) fn of_machine(machine: u16) -> Result<Self> {
        match machine {
            62 => Ok(Self::X86_64),
            183 => Ok(Self::Aarch64),
            _ => Err(Error::unsupported(
                "static probes of this architecture",
                None,
            )),
        }
    }
}

/// Reads all arguments of a probe.
///
/// # Errors
/// `Malformed` for what is no operand, `Unsupported` for operands that no
/// program can read: floating-point registers, and symbols.
pub(super) fn parse(arch: Arch, text: &str) -> Result<Vec<Arg>> {
    let mut args = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (arg, after) = rest.split_at(operand_end(rest));
        if args.len() == MOST_ARGS {
            let cause = format!("more than {MOST_ARGS} arguments");
            return Err(Error::malformed(cause));
        }
        args.push(one(arch, arg).with_context(|| format!("argument {arg}"))?);
        rest = after.trim_start();
    }
    Ok(args)
}

/// Where the first argument ends: at a space outside of brackets.
fn operand_end(text: &str) -> usize {
    let mut depth = 0u32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b' ' | b'\t' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn one(arch: Arch, text: &str) -> Result<Arg> {
    let (size, operand) = text
        .split_once('@')
        .ok_or_else(|| Error::malformed("it has no size"))?;
    if size.ends_with('f') {
        let feature = "a floating-point argument of a static probe";
        return Err(Error::unsupported(feature, None));
    }
    let (is_signed, digits) = match size.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, size),
    };
    let size_bytes = match digits {
        "1" => 1,
        "2" => 2,
        "4" => 4,
        "8" => 8,
        _ => return Err(Error::malformed("its size is none of 1, 2, 4 and 8 bytes")),
    };
    let place = match arch {
        Arch::X86_64 => x86_64(operand.trim())?,
        Arch::Aarch64 => aarch64(operand.trim())?,
    };
    Ok(Arg {
        size_bytes,
        is_signed,
        place,
    })
}

/// `$7`, `%rax`, `(%rax)`, `-16(%rbp)`, `8(%rax,%rbx,4)`.
fn x86_64(operand: &str) -> Result<Place> {
    if let Some(constant) = operand.strip_prefix('$') {
        return Ok(Place::Constant(number(constant)?));
    }
    let register = |name: &str| {
        let name = name.trim().strip_prefix('%');
        let offset = name.and_then(x86_64_register);
        offset.ok_or_else(|| unknown_register(operand))
    };
    let Some((offset, inner)) = operand.split_once('(') else {
        return Ok(Place::Register(register(operand)?));
    };
    let inner = inner
        .strip_suffix(')')
        .ok_or_else(|| Error::malformed("its bracket is not closed"))?;
    let offset = match offset.trim() {
        "" => 0,
        offset => number(offset)
            .map_err(|_| Error::unsupported("an argument of a static probe by its symbol", None))?,
    };
    let mut parts = inner.split(',');
    let base = register(parts.next().unwrap_or_default())?;
    let Some(index) = parts.next() else {
        return Ok(Place::Memory { base, offset });
    };
    let index = register(index)?;
    let shift = match parts.next().map(str::trim) {
        None | Some("1") => 0,
        Some("2") => 1,
        Some("4") => 2,
        Some("8") => 3,
        Some(_) => return Err(Error::malformed("its scale is none of 1, 2, 4 and 8")),
    };
    if parts.next().is_some() {
        return Err(Error::malformed("its bracket has too many parts"));
    }
    Ok(Place::Indexed {
        base,
        index,
        shift,
        offset,
    })
}

/// `7`, `x0`, `w0`, `[sp]`, `[x29, -16]`.
fn aarch64(operand: &str) -> Result<Place> {
    let register = |name: &str| {
        let offset = aarch64_register(name.trim());
        offset.ok_or_else(|| unknown_register(operand))
    };
    if let Some(inner) = operand.strip_prefix('[') {
        let inner = inner
            .strip_suffix(']')
            .ok_or_else(|| Error::malformed("its bracket is not closed"))?;
        let (base, offset) = match inner.split_once(',') {
            Some((base, offset)) => (base, number(offset.trim())?),
            None => (inner, 0),
        };
        let base = register(base)?;
        return Ok(Place::Memory { base, offset });
    }
    match operand.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '#') {
        true => Ok(Place::Constant(number(operand)?)),
        false => Ok(Place::Register(register(operand)?)),
    }
}

/// A decimal or hexadecimal number with a sign.
fn number(text: &str) -> Result<i64> {
    let text = text.strip_prefix('#').unwrap_or(text);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse::<u64>(),
    };
    let value = value.map_err(|_| Error::malformed(format!("{text:?} is no number")))?;
    // Large unsigned constants stand for themselves, bit by bit.
    let value = value as i64;
    Ok(if is_negative {
        value.wrapping_neg()
    } else {
        value
    })
}

fn unknown_register(operand: &str) -> Error {
    Error::new(
        crate::ErrorKind::Unsupported {
            feature: "this register in a static probe",
            since: None,
        },
        format!("{operand} names a register that programs do not see"),
    )
}

/// Registers in the order of `struct pt_regs`, eight bytes each; three numbers
/// have no name here.
///
/// Source: arch/x86/include/asm/ptrace.h
const X86_64: [&[&str]; 21] = [
    &["r15", "r15d", "r15w", "r15b"],
    &["r14", "r14d", "r14w", "r14b"],
    &["r13", "r13d", "r13w", "r13b"],
    &["r12", "r12d", "r12w", "r12b"],
    &["rbp", "ebp", "bp", "bpl"],
    &["rbx", "ebx", "bx", "bl"],
    &["r11", "r11d", "r11w", "r11b"],
    &["r10", "r10d", "r10w", "r10b"],
    &["r9", "r9d", "r9w", "r9b"],
    &["r8", "r8d", "r8w", "r8b"],
    &["rax", "eax", "ax", "al"],
    &["rcx", "ecx", "cx", "cl"],
    &["rdx", "edx", "dx", "dl"],
    &["rsi", "esi", "si", "sil"],
    &["rdi", "edi", "di", "dil"],
    &[],
    &["rip", "eip"],
    &[],
    &[],
    &["rsp", "esp", "sp", "spl"],
    &[],
];

fn x86_64_register(name: &str) -> Option<u16> {
    let at = X86_64.iter().position(|names| names.contains(&name))?;
    u16::try_from(at * 8).ok()
}

/// `x0` to `x30` (or their lower halves), then `sp`.
///
/// Source: arch/arm64/include/uapi/asm/ptrace.h
fn aarch64_register(name: &str) -> Option<u16> {
    if name == "sp" {
        return Some(31 * 8);
    }
    let digits = name.strip_prefix(['x', 'w'])?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = digits.parse().ok().filter(|_| is_plain)?;
    (number <= 30).then_some(number * 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(arch: Arch, text: &str) -> Vec<Place> {
        let args = parse(arch, text).unwrap();
        args.iter().map(|arg| arg.place).collect()
    }

    #[test]
    fn sizes_say_how_to_extend() {
        let args = parse(Arch::X86_64, "-4@%edi 1@%al 8@%rsi").unwrap();
        let shapes: Vec<_> = args.iter().map(|a| (a.size_bytes, a.is_signed)).collect();
        assert_eq!(shapes, [(4, true), (1, false), (8, false)]);
    }

    #[test]
    fn x86_64_operands_are_read() {
        let text = "8@$7 -4@$-9 8@%rdi 4@(%rax) 4@-1204(%rbp) 1@-96(%rbp,%rax,8) 8@(%rsp,%r9)";
        let indexed = |base, index, shift, offset| Place::Indexed {
            base,
            index,
            shift,
            offset,
        };
        assert_eq!(
            places(Arch::X86_64, text),
            [
                Place::Constant(7),
                Place::Constant(-9),
                Place::Register(112),
                Place::Memory {
                    base: 80,
                    offset: 0
                },
                Place::Memory {
                    base: 32,
                    offset: -1204
                },
                indexed(32, 80, 3, -96),
                indexed(152, 64, 0, 0),
            ]
        );
    }

    #[test]
    fn aarch64_operands_are_read() {
        let text = "-4@w0 8@x30 8@[sp, 16] 4@[x29,-20] 8@[sp] 8@7 -4@-1";
        assert_eq!(
            places(Arch::Aarch64, text),
            [
                Place::Register(0),
                Place::Register(240),
                Place::Memory {
                    base: 248,
                    offset: 16
                },
                Place::Memory {
                    base: 232,
                    offset: -20
                },
                Place::Memory {
                    base: 248,
                    offset: 0
                },
                Place::Constant(7),
                Place::Constant(-1),
            ]
        );
    }

    #[test]
    fn no_arguments_are_no_error() {
        assert!(parse(Arch::X86_64, " ").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_text() {
        for text in [
            "8f@%xmm0",
            "4@foo(%rip)",
            "8@%xmm0",
            "8@%ah",
            "3@%rax",
            "%rax",
            "4@(%rax",
            "8@(%rax,%rbx,3)",
            "8@$x",
        ] {
            let error = parse(Arch::X86_64, text).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        for text in ["8@x31", "8@[x0", "8@[x0,x1]", "8@d0", "8@x+1"] {
            assert!(parse(Arch::Aarch64, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_thirteenth_argument_is_refused() {
        assert_eq!(parse(Arch::X86_64, &"8@$1 ".repeat(12)).unwrap().len(), 12);
        assert!(parse(Arch::X86_64, &"8@$1 ".repeat(13)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-0-9@%$()\\[\\],xrabdisp. f#]{0,60}", any in ".{0,40}") {
            for arch in [Arch::X86_64, Arch::Aarch64] {
                let _ = parse(arch, &text);
                let _ = parse(arch, &any);
            }
        }
    }
}
