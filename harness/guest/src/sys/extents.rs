//! File systems that share what files hold: clones, deduplication, and btrfs's subvolumes.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// ioctl(2) `FICLONE`: `to` shares what `from` has.
///
/// # Errors
/// What ioctl(2) says; `EOPNOTSUPP` where a file system cannot.
pub fn clone_whole(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    const FICLONE: u64 = 0x4004_9409;
    // SAFETY: this request takes a descriptor.
    let ret = unsafe { libc::syscall(libc::SYS_ioctl, to.as_raw_fd(), FICLONE, from.as_raw_fd()) };
    check(ret).map(drop)
}

/// ioctl(2) `FICLONERANGE`: so many bytes of `to`, from `at` on, become those of `from` from its
/// start on.
///
/// # Errors
/// What ioctl(2) says; `EINVAL` for what is no whole number of blocks.
pub fn clone_range(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    bytes: u64,
    at: u64,
) -> io::Result<()> {
    const FICLONERANGE: u64 = 0x4020_940d;
    let range = [i64::from(from.as_raw_fd()) as u64, 0, bytes, at];
    // SAFETY: this request reads a structure of four numbers.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_ioctl,
            to.as_raw_fd(),
            FICLONERANGE,
            range.as_ptr(),
        )
    };
    check(ret).map(drop)
}

/// ioctl(2) `FIDEDUPERANGE`: the first bytes of `to` are kept once with those of `from`, if they are
/// the same. How many were; none if they differ.
///
/// # Errors
/// What ioctl(2) says, of all or of this one file.
pub fn deduplicate(from: BorrowedFd<'_>, to: BorrowedFd<'_>, bytes: u64) -> io::Result<u64> {
    const FIDEDUPERANGE: u64 = 0xc018_9436;
    const DIFFERS: i32 = 1;
    #[repr(C)]
    struct Range {
        from_at: u64,
        bytes: u64,
        count: u16,
        padding: [u16; 3],
        to: i64,
        to_at: u64,
        done_bytes: u64,
        status: i32,
        further: u32,
    }
    let mut range = Range {
        from_at: 0,
        bytes,
        count: 1,
        padding: [0; 3],
        to: to.as_raw_fd().into(),
        to_at: 0,
        done_bytes: 0,
        status: 0,
        further: 0,
    };
    // SAFETY: the structure says that one file follows, and one does.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_ioctl,
            from.as_raw_fd(),
            FIDEDUPERANGE,
            &raw mut range,
        )
    };
    check(ret)?;
    match range.status {
        0 => Ok(range.done_bytes),
        DIFFERS => Ok(0),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// `struct btrfs_ioctl_vol_args`
#[repr(C)]
struct VolumeArguments {
    fd: i64,
    name: [u8; 4088],
}

impl VolumeArguments {
    fn new(fd: i64, name: &CStr) -> io::Result<Box<Self>> {
        let bytes = name.to_bytes_with_nul();
        let mut arguments = Box::new(Self {
            fd,
            name: [0; 4088],
        });
        let place = arguments.name.get_mut(..bytes.len());
        place
            .ok_or(io::ErrorKind::InvalidFilename)?
            .copy_from_slice(bytes);
        Ok(arguments)
    }

    fn ask(&self, folder: BorrowedFd<'_>, request: u64) -> io::Result<()> {
        // SAFETY: both requests read this structure, whose name ends within it.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_ioctl,
                folder.as_raw_fd(),
                request,
                std::ptr::from_ref(self),
            )
        };
        check(ret).map(drop)
    }
}

/// ioctl(2) `BTRFS_IOC_SUBVOL_CREATE`: a new subvolume in a folder.
///
/// # Errors
/// What ioctl(2) says.
pub fn make_subvolume(folder: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    const BTRFS_IOC_SUBVOL_CREATE: u64 = 0x5000_940e;
    VolumeArguments::new(0, name)?.ask(folder, BTRFS_IOC_SUBVOL_CREATE)
}

/// ioctl(2) `BTRFS_IOC_SNAP_CREATE`: a new subvolume in a folder, with all that another has now.
///
/// # Errors
/// What ioctl(2) says.
pub fn make_snapshot(
    folder: BorrowedFd<'_>,
    name: &CStr,
    subvolume: BorrowedFd<'_>,
) -> io::Result<()> {
    const BTRFS_IOC_SNAP_CREATE: u64 = 0x5000_9401;
    let arguments = VolumeArguments::new(subvolume.as_raw_fd().into(), name)?;
    arguments.ask(folder, BTRFS_IOC_SNAP_CREATE)
}
