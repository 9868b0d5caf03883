//! The smallest programs there are, made byte by byte: what workloads and benches execute.
//!
//! A program of our own size would cost more to load than what is measured, and would need to be told
//! apart by its arguments, which here belong to the test. All that depends on the architecture is the
//! machine's number and two strings of instructions.

/// What the tiny program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiny {
    /// Writes the byte `+` to descriptor 1, reads one byte from descriptor 0 and leaves with it as
    /// exit code. With nothing to read it leaves with `+` itself, [`READY`].
    Waits,
    /// Leaves with code 0 at once.
    Leaves,
}

/// The byte that [`Tiny::Waits`] says when it runs.
pub const READY: u8 = b'+';

const BASE: u64 = 0x40_0000;
const EHDR_BYTES: u16 = 64;
const PHDR_BYTES: u16 = 56;
const PHDRS: u16 = 2;
const CODE_OFFSET: u64 = (EHDR_BYTES + PHDRS * PHDR_BYTES) as u64;

#[cfg(target_arch = "x86_64")]
mod code {
    pub const MACHINE: u16 = 62;
    /// Write, read, leave. The byte lives in the red zone, which no signal handler can disturb here.
    pub const WAITS: &[u8] = &[
        0xc6, 0x44, 0x24, 0xf8, b'+', // mov byte [rsp-8], '+'
        0xb8, 1, 0, 0, 0, // mov eax, SYS_write
        0xbf, 1, 0, 0, 0, // mov edi, 1
        0x48, 0x8d, 0x74, 0x24, 0xf8, // lea rsi, [rsp-8]
        0xba, 1, 0, 0, 0, // mov edx, 1
        0x0f, 0x05, // syscall
        0x31, 0xc0, // xor eax, eax (SYS_read)
        0x31, 0xff, // xor edi, edi
        0x0f, 0x05, // syscall
        0x0f, 0xb6, 0x7c, 0x24, 0xf8, // movzx edi, byte [rsp-8]
        0xb8, 231, 0, 0, 0, // mov eax, SYS_exit_group
        0x0f, 0x05, // syscall
    ];
    pub const LEAVES: &[u8] = &[
        0x31, 0xff, // xor edi, edi
        0xb8, 231, 0, 0, 0, // mov eax, SYS_exit_group
        0x0f, 0x05, // syscall
    ];
}

#[cfg(target_arch = "aarch64")]
mod code {
    pub const MACHINE: u16 = 183;
    /// Write, read, leave.
    pub const WAITS: &[u8] = &[
        0x62, 0x05, 0x80, 0x52, // mov w2, '+'
        0xe2, 0x0f, 0x1f, 0x38, // strb w2, [sp, #-16]!
        0x20, 0x00, 0x80, 0xd2, // mov x0, #1
        0xe1, 0x03, 0x00, 0x91, // mov x1, sp
        0x22, 0x00, 0x80, 0xd2, // mov x2, #1
        0x08, 0x08, 0x80, 0xd2, // mov x8, SYS_write
        0x01, 0x00, 0x00, 0xd4, // svc #0
        0x00, 0x00, 0x80, 0xd2, // mov x0, #0
        0xe8, 0x07, 0x80, 0xd2, // mov x8, SYS_read
        0x01, 0x00, 0x00, 0xd4, // svc #0
        0xe0, 0x03, 0x40, 0x39, // ldrb w0, [sp]
        0xc8, 0x0b, 0x80, 0xd2, // mov x8, SYS_exit_group
        0x01, 0x00, 0x00, 0xd4, // svc #0
    ];
    pub const LEAVES: &[u8] = &[
        0x00, 0x00, 0x80, 0xd2, // mov x0, #0
        0xc8, 0x0b, 0x80, 0xd2, // mov x8, SYS_exit_group
        0x01, 0x00, 0x00, 0xd4, // svc #0
    ];
}

/// The bytes of a static ELF program. It needs no library, no heap and no relocation.
#[must_use]
pub fn elf(kind: Tiny) -> Vec<u8> {
    program(kind, BASE)
}

/// A program whose headers are fine but which asks to be loaded where no program can live: the
/// kernel gives up on it only after the old program is gone, and kills the process.
#[must_use]
pub fn elf_that_cannot_be_loaded() -> Vec<u8> {
    const ABOVE_ALL_USER_MEMORY: u64 = 0xffff_0000_0000_0000;
    program(Tiny::Leaves, ABOVE_ALL_USER_MEMORY)
}

fn program(kind: Tiny, base: u64) -> Vec<u8> {
    const PT_LOAD: u32 = 1;
    const PT_GNU_STACK: u32 = 0x6474_e551;
    const READ: u32 = 4;
    const WRITE: u32 = 2;
    const EXECUTE: u32 = 1;
    let code = match kind {
        Tiny::Waits => code::WAITS,
        Tiny::Leaves => code::LEAVES,
    };
    let mut bytes = Vec::with_capacity(256);
    // e_ident: magic, 64 bits, little endian, version 1, System V.
    bytes.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(2_u16.to_le_bytes()); // ET_EXEC
    bytes.extend(code::MACHINE.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(base.wrapping_add(CODE_OFFSET).to_le_bytes());
    bytes.extend(u64::from(EHDR_BYTES).to_le_bytes()); // program headers follow this one
    bytes.extend(0_u64.to_le_bytes()); // no sections
    bytes.extend(0_u32.to_le_bytes());
    for short in [EHDR_BYTES, PHDR_BYTES, PHDRS, 0, 0, 0] {
        bytes.extend(short.to_le_bytes());
    }
    let file_bytes = CODE_OFFSET + code.len() as u64;
    // Without the second header the kernel would assume that the stack must be executable.
    let headers = [
        (PT_LOAD, READ | EXECUTE, base, file_bytes, 4096_u64),
        (PT_GNU_STACK, READ | WRITE, 0, 0, 16),
    ];
    for (kind, flags, address, size_bytes, align) in headers {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        for word in [0, address, address, size_bytes, size_bytes, align] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes.extend(code);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_long_as_they_say() {
        let bytes = elf(Tiny::Waits);
        assert_eq!(bytes.len(), CODE_OFFSET as usize + code::WAITS.len());
        assert_eq!(&bytes[CODE_OFFSET as usize..], code::WAITS);
    }

    #[test]
    fn both_programs_run_and_leave_with_the_right_code() {
        let _turn = crate::capture::tests::my_turn();
        use std::io::{Read, Write};
        use std::os::unix::fs::PermissionsExt;
        use std::process::{Command, Stdio};
        let folder = std::env::temp_dir().join(format!("trapline-tiny-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, kind| {
            let path = folder.join(name);
            std::fs::write(&path, elf(kind)).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let leaves = Command::new(write("leaves", Tiny::Leaves))
            .status()
            .unwrap();
        assert_eq!(leaves.code(), Some(0));
        let mut waits = Command::new(write("waits", Tiny::Waits))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0];
        waits
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut said)
            .unwrap();
        assert_eq!(said, [READY]);
        waits.stdin.as_mut().unwrap().write_all(&[42]).unwrap();
        assert_eq!(waits.wait().unwrap().code(), Some(42));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
