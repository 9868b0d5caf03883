//! How processes come into being, and how they turn into other programs.
//!
//! Every child runs one closure and leaves with `_exit`: it never returns into its parent's code.
//! The workloads' root is single-threaded where it forks, so a child may allocate.

use std::ffi::{CStr, CString};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Exit code of a child whose closure panicked.
pub const PANICKED: i32 = 101;

/// What clone3(2) is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clone3 {
    /// `CLONE_*` bits, without an exit signal. `CLONE_VM` is refused: the child would share our stack.
    pub flags: u64,
    /// The signal that the parent gets when the child exits; 0 for none.
    pub exit_signal: i32,
    /// The cgroup folder to be born into, with `CLONE_INTO_CGROUP`.
    pub cgroup_fd: i32,
}

/// Forks with libc's own fork: flags 0, exit signal SIGCHLD. Returns the child's pid as this process sees it.
///
/// # Errors
/// What fork(2) says.
pub fn fork(body: &mut dyn FnMut() -> i32) -> io::Result<i32> {
    // SAFETY: the child runs `body` on its own copy of the memory and never comes back (leave());
    // callers are single-threaded, which the workloads keep, so no lock is held by a lost thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => leave(body),
        pid => Ok(pid),
    }
}

/// A child as vfork(2) makes it: `CLONE_VM | CLONE_VFORK`, exit signal SIGCHLD.
/// The parent stands still until the child has left or is another program.
///
/// The child has its own stack, because a vfork() that returns twice cannot be written in Rust; for
/// the kernel it is the same request. What `body` owns must outlive the child's exec: both share it.
///
/// # Errors
/// What clone(2) says.
pub fn vfork(body: &mut dyn FnMut() -> i32) -> io::Result<i32> {
    extern "C" fn child(argument: *mut libc::c_void) -> libc::c_int {
        // SAFETY: `argument` is the address of the fat reference below, alive in the parent's frame,
        // and the parent stands still (CLONE_VFORK) as long as we use it.
        let body = unsafe { &mut *argument.cast::<&mut dyn FnMut() -> i32>() };
        leave(&mut **body)
    }
    const STACK_BYTES: usize = 256 * 1024;
    let mut stack = vec![0_u128; STACK_BYTES / size_of::<u128>()];
    let mut body: &mut dyn FnMut() -> i32 = body;
    let argument: *mut &mut dyn FnMut() -> i32 = &raw mut body;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is 16-byte aligned, ours, and lives until the child no longer needs it,
    // because CLONE_VFORK returns only then.
    let pid = unsafe {
        libc::clone(
            child,
            stack.as_mut_ptr_range().end.cast(),
            flags,
            argument.cast(),
        )
    };
    if pid == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(pid)
}

/// clone3(2) with a fork's memory. Returns the pid and, with `CLONE_PIDFD`, the pidfd.
///
/// # Errors
/// What clone3(2) says; `InvalidInput` for flags that would share memory.
///
/// Kernel: 5.3.
pub fn clone3(
    request: Clone3,
    body: &mut dyn FnMut() -> i32,
) -> io::Result<(i32, Option<std::os::fd::OwnedFd>)> {
    use std::os::fd::FromRawFd;
    let shared = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
    if request.flags & shared != 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all zero is a valid clone_args: every field is an integer, 0 means "none".
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = request.flags;
    arguments.exit_signal = u64::try_from(request.exit_signal).unwrap_or(0);
    arguments.cgroup = u64::try_from(request.cgroup_fd).unwrap_or(0);
    arguments.pidfd = (&raw mut pidfd) as u64;
    // SAFETY: `arguments` and `pidfd` outlive the call; without CLONE_VM the child goes on with a
    // copy of this stack, runs `body` and never comes back.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut arguments,
            size_of::<libc::clone_args>(),
        )
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => leave(body),
        pid => {
            let wanted = request.flags & libc::CLONE_PIDFD as u64 != 0;
            // SAFETY: the kernel has just made this descriptor for us alone.
            let pidfd =
                (wanted && pidfd >= 0).then(|| unsafe { std::os::fd::OwnedFd::from_raw_fd(pidfd) });
            Ok((i32::try_from(pid).unwrap_or(i32::MAX), pidfd))
        }
    }
}

/// Runs a child's closure and ends the process with what it returns.
fn leave(body: &mut dyn FnMut() -> i32) -> ! {
    let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(PANICKED);
    exit_group(code)
}

/// Ends the whole process at once, with nothing flushed and no handler run.
pub fn exit_group(code: i32) -> ! {
    // SAFETY: _exit takes any integer and does not return.
    unsafe { libc::_exit(code) }
}

/// Ends only the calling thread; the process stays as long as another thread lives.
pub fn exit_thread(code: i32) -> ! {
    // SAFETY: exit(2) ends this thread alone. Its stack is never used again and nobody joins it.
    unsafe {
        libc::syscall(libc::SYS_exit, code);
    }
    exit_group(code)
}

/// A program ready to be executed without allocating: for a child that shares its parent's heap.
#[derive(Debug)]
pub struct Image {
    path: CString,
    /// What the pointers point to; never changed.
    _strings: Vec<CString>,
    argv: Vec<*const libc::c_char>,
    env: Vec<*const libc::c_char>,
}

impl Image {
    /// Makes the lists that the kernel reads.
    #[must_use]
    pub fn new(path: CString, argv: Vec<CString>, env: Vec<CString>) -> Self {
        fn list(strings: &[CString]) -> Vec<*const libc::c_char> {
            pointers(&strings.iter().map(CString::as_c_str).collect::<Vec<_>>())
        }
        let lists = (list(&argv), list(&env));
        let strings = argv.into_iter().chain(env).collect();
        Self {
            path,
            _strings: strings,
            argv: lists.0,
            env: lists.1,
        }
    }

    /// execve(2). Comes back only when it failed, with the reason.
    pub fn exec(&self) -> io::Error {
        // SAFETY: both lists are null-terminated and point into strings that we own; moving a
        // CString does not move its bytes.
        unsafe { libc::execve(self.path.as_ptr(), self.argv.as_ptr(), self.env.as_ptr()) };
        io::Error::last_os_error()
    }
}

/// execve(2). Comes back only when it failed, with the reason.
pub fn execve(path: &CStr, argv: &[&CStr], env: &[&CStr]) -> io::Error {
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists are null-terminated arrays of C strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// execveat(2). Comes back only when it failed, with the reason.
pub fn execveat(fd: i32, path: &CStr, argv: &[&CStr], env: &[&CStr], flags: i32) -> io::Error {
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: as in execve; a bad descriptor is the kernel's to refuse.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd,
            path.as_ptr(),
            argv.as_ptr(),
            env.as_ptr(),
            flags,
        )
    };
    io::Error::last_os_error()
}

fn pointers(strings: &[&CStr]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}
