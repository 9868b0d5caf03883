//! What process 1 needs: mounts, modules, interfaces, and the kernel's name.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use super::check;
use super::net::interface_request;

fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Mounts a file system without a device.
///
/// # Errors
/// `errno` of mount(2): `ENODEV` when the kernel lacks the file system.
pub fn mount(source: &str, target: &str, kind: &str, options: &str) -> io::Result<()> {
    let source = c_string(source)?;
    let target = c_string(target)?;
    let kind = c_string(kind)?;
    let options = c_string(options)?;
    // SAFETY: all four pointers are to NUL-terminated strings that live until
    // the call returns; the kernel copies them.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            0,
            options.as_ptr().cast(),
        )
    })?;
    Ok(())
}

/// Loads a kernel module from an open `.ko` file.
///
/// # Errors
/// `errno` of finit_module(2): `EEXIST` when it is loaded or built in already.
///
/// Kernel: since 3.8.
pub fn finit_module(module: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open for the whole call and the parameter
    // string is a static, NUL-terminated, empty one.
    check(unsafe { libc::syscall(libc::SYS_finit_module, module.as_raw_fd(), c"".as_ptr(), 0) })?;
    Ok(())
}

/// Brings a network interface up.
///
/// # Errors
/// `errno` of socket(2) or of the interface's ioctl; `InvalidInput` for a name
/// of 16 bytes or more.
pub fn interface_up(name: &str) -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which `request` is, and keeps no
    // pointer to it; its name ends in NUL because it is shorter than the field.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) })?;
    Ok(())
}

/// Who the kernel says it is: the three fields of uname(2) that hello carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uname {
    /// `6.12.117+deb12-cloud-amd64`
    pub release: String,
    /// `x86_64`
    pub machine: String,
    /// `#1 SMP PREEMPT_DYNAMIC Debian …`
    pub version: String,
}

/// Asks the kernel for its name.
///
/// # Errors
/// `errno` of uname(2).
pub fn uname() -> io::Result<Uname> {
    // SAFETY: utsname is arrays of bytes, for which all zeroes is a value.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: uname writes one utsname, to `name`.
    check(unsafe { libc::uname(&mut name) })?;
    let text = |field: &[libc::c_char]| {
        let bytes: Vec<u8> = field
            .iter()
            .map(|c| c.cast_unsigned())
            .take_while(|&b| b != 0)
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(Uname {
        release: text(&name.release),
        machine: text(&name.machine),
        version: text(&name.version),
    })
}
