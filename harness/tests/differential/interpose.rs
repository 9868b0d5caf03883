//! The C library's doors to the kernel, held by this test.
//!
//! Both loaders go through them, unchanged: what they ask of bpf(2) is answered
//! by the recorded kernel of their thread, and never reaches the real one. The
//! file of the kernel's types is the one that the thread is told. Everything
//! else passes.
#![allow(unsafe_code, reason = "it defines symbols of the C library")]

use core::ffi::{CStr, c_char, c_int, c_long};
use std::arch::asm;
use std::cell::RefCell;
use std::ffi::CString;
use std::path::Path;

use super::kernel::{self, Attr};

/// Where a kernel shows its types.
const VMLINUX: &CStr = c"/sys/kernel/btf/vmlinux";
/// Where a bpf file system is on the recorded kernels: this machine need not have
/// it mounted, and nothing is pinned there.
const BPF_FS: &CStr = c"/sys/fs/bpf";

thread_local! {
    /// The file that stands for the kernel's types.
    static TYPES: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Whoever asks for the running kernel's types on this thread gets this file.
pub fn set_kernel_types(path: &Path) {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path without NUL");
    TYPES.with_borrow_mut(|types| *types = Some(path));
}

#[cfg(target_arch = "x86_64")]
unsafe fn raw(number: c_long, args: [c_long; 6]) -> c_long {
    let ret;
    // SAFETY: what the caller passes to the kernel is the caller's business.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => ret,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    ret
}

#[cfg(target_arch = "aarch64")]
unsafe fn raw(number: c_long, args: [c_long; 6]) -> c_long {
    let ret;
    // SAFETY: what the caller passes to the kernel is the caller's business.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] => ret,
            in("x1") args[1], in("x2") args[2], in("x3") args[3],
            in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    ret
}

/// The kernel's answer as the C library gives it: -1 and errno.
fn answer(ret: c_long) -> c_long {
    if (-4095..0).contains(&ret) {
        // SAFETY: the place of this thread's errno.
        unsafe { *libc::__errno_location() = -ret as c_int };
        return -1;
    }
    ret
}

/// Stands for the C library's function of this name. Its arguments after the
/// first are variadic there; on this machine both kinds are passed alike.
#[unsafe(no_mangle)]
extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == libc::SYS_bpf {
        // SAFETY: bpf(2) takes a command, a structure and its size; whoever
        // calls passes as much.
        let attr = unsafe { Attr::read(b, c) };
        return answer(kernel::bpf(a, &attr).unwrap_or_else(|errno| -c_long::from(errno)));
    }
    // SAFETY: the call as it came.
    let ret = unsafe { raw(number, [a, b, c, d, e, f]) };
    if number == libc::SYS_dup3 && ret >= 0 {
        kernel::duplicated(a as i32, b as i32);
    }
    answer(ret)
}

/// Opens a path, or the file that stands for the kernel's types.
unsafe fn open_at(folder: c_int, path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller's path ends with a NUL.
    let is_vmlinux = unsafe { CStr::from_ptr(path) } == VMLINUX;
    let types = TYPES.with_borrow(|types| types.clone().filter(|_| is_vmlinux));
    let path = types.as_ref().map_or(path, |types| types.as_ptr());
    let args = [folder as c_long, path as c_long, flags.into(), mode.into()];
    // SAFETY: `path` is alive and ends with a NUL.
    let ret = unsafe { raw(libc::SYS_openat, [args[0], args[1], args[2], args[3], 0, 0]) };
    answer(ret) as c_int
}

/// Stands for the C library's function of this name.
#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_at(libc::AT_FDCWD, path, flags, mode) }
}

/// Stands for the C library's function of this name.
#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_at(libc::AT_FDCWD, path, flags, mode) }
}

/// Stands for the C library's function of this name.
#[unsafe(no_mangle)]
unsafe extern "C" fn faccessat(
    folder: c_int,
    path: *const c_char,
    mode: c_int,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's path ends with a NUL.
    if unsafe { CStr::from_ptr(path) } == VMLINUX {
        return 0;
    }
    let args = [folder as c_long, path as c_long, mode.into(), 0, 0, 0];
    // SAFETY: the call as it came, but for flags that the older call lacks.
    answer(unsafe { raw(libc::SYS_faccessat, args) }) as c_int
}

/// Stands for the C library's function of this name.
#[unsafe(no_mangle)]
unsafe extern "C" fn statfs64(path: *const c_char, stats: *mut libc::statfs64) -> c_int {
    let args = [path as c_long, stats as c_long, 0, 0, 0, 0];
    // SAFETY: the call as it came.
    let ret = unsafe { raw(libc::SYS_statfs, args) };
    // SAFETY: the caller's path ends with a NUL.
    if ret == 0 && unsafe { CStr::from_ptr(path) } == BPF_FS {
        // SAFETY: the kernel has just written to it.
        unsafe { (*stats).f_type = libc::BPF_FS_MAGIC };
    }
    answer(ret) as c_int
}
