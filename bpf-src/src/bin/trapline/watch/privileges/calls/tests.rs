//! The filters as the kernel would run them.

use super::*;

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const EPERM: u32 = 0x0005_0000 | 1;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

/// `struct seccomp_data`.
fn data(arch: u32, number: c_long, arguments: [u64; 6]) -> Vec<u8> {
    let number = u32::try_from(number).unwrap();
    let mut data = [number.to_le_bytes(), arch.to_le_bytes()].concat();
    data.extend([0; 8]);
    data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    data
}

/// What a classic program returns: the few instructions that filters are made of.
///
/// Source: Documentation/networking/filter.rst
fn run(program: &BpfProgram, data: &[u8]) -> u32 {
    let (mut at, mut a) = (0, 0_u32);
    loop {
        let insn = &program[at];
        at += 1;
        let jump = |is_true: bool| usize::from(if is_true { insn.jt } else { insn.jf });
        match insn.code {
            0x20 => {
                let from = insn.k as usize;
                a = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x54 => a &= insn.k,
            0x05 => at += insn.k as usize,
            0x15 => at += jump(a == insn.k),
            0x25 => at += jump(a > insn.k),
            0x35 => at += jump(a >= insn.k),
            0x06 => return insn.k,
            code => panic!("an instruction {code:#x}"),
        }
    }
}

#[track_caller]
fn answers(number: c_long, arguments: [u64; 6], answer: u32) {
    let data = data(ARCH, number, arguments);
    assert_eq!(run(&allowed().unwrap(), &data), answer, "{number}");
}

#[test]
fn what_the_stream_calls_is_allowed_and_nothing_beside() {
    let program = allowed().unwrap();
    for number in 0..600 {
        let mut known = CALLS.iter().chain(OLDER);
        let rule = known.find(|(_, of, _)| *of == number).map(|call| call.2);
        let answer = run(&program, &data(ARCH, number, [0; 6]));
        let expected = match rule {
            Some(Any | Without(..)) => ALLOW,
            // Command 0 makes a map.
            Some(One(..)) | None => EPERM,
        };
        assert_eq!(answer, expected, "{number}");
    }
    for never in [
        libc::SYS_socket,
        libc::SYS_kill,
        libc::SYS_execve,
        libc::SYS_openat2,
    ] {
        assert_eq!(run(&program, &data(ARCH, never, [0; 6])), EPERM, "{never}");
    }
}

#[test]
fn files_are_opened_to_be_read() {
    for (flags, answer) in [
        (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_DIRECTORY, ALLOW),
        (libc::O_RDWR, EPERM),
        (libc::O_WRONLY | libc::O_APPEND, EPERM),
        (libc::O_CREAT, EPERM),
        (libc::O_TRUNC, EPERM),
    ] {
        let flags = u64::from(flags.unsigned_abs());
        answers(libc::SYS_openat, [0, 0, flags, 0, 0, 0], answer);
        #[cfg(target_arch = "x86_64")]
        answers(libc::SYS_open, [0, flags, 0, 0, 0, 0], answer);
    }
}

#[test]
fn no_memory_becomes_a_program() {
    let rw = u64::from((libc::PROT_READ | libc::PROT_WRITE).unsigned_abs());
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        answers(call, [0, 4096, rw, 0, 0, 0], ALLOW);
        let rwx = rw | u64::from(PROT_EXEC.unsigned_abs());
        answers(call, [0, 4096, rwx, 0, 0, 0], EPERM);
    }
}

#[test]
fn of_bpf_only_what_reads_and_fills_maps_is_left() {
    // Look up, update, delete, next key, facts by descriptor, look up and delete, batch.
    let left = [1, 2, 3, 4, 15, 21, 24];
    for command in 0..64 {
        let answer = if left.contains(&command) {
            ALLOW
        } else {
            EPERM
        };
        // The kernel looks at the lower half alone.
        answers(libc::SYS_bpf, [command | 1 << 32, 0, 0, 0, 0, 0], answer);
    }
}

#[test]
fn starting_a_program_and_another_architecture_are_deadly() {
    let deadly = deadly().unwrap();
    assert_eq!(run(&deadly, &data(ARCH, libc::SYS_execve, [0; 6])), KILL);
    assert_eq!(run(&deadly, &data(ARCH, libc::SYS_ptrace, [0; 6])), KILL);
    assert_eq!(run(&deadly, &data(ARCH, libc::SYS_write, [0; 6])), ALLOW);
    // That of 32-bit x86, where 4 is write(2).
    assert_eq!(
        run(&allowed().unwrap(), &data(0x4000_0003, 4, [0; 6])),
        KILL
    );
}
