//! What is measured: one table, to which every family of sensors adds its operations.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use crate::sys::process::Ended;
use crate::sys::{birth, net, process};
use crate::workloads::tiny::{self, Tiny};

/// One round of an operation, as often as wanted.
pub type Round = Box<dyn FnMut() -> io::Result<()>>;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name in the `measure` frame.
    pub name: &'static str,
    prepare: fn() -> io::Result<Round>,
}

impl Operation {
    /// Makes ready what every round needs, outside the measured time.
    ///
    /// # Errors
    /// What the file system says.
    pub fn prepare(&self) -> io::Result<Round> {
        (self.prepare)()
    }
}

/// All operations.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "fork+exec+exit",
        prepare: fork_exec_exit,
    },
    Operation {
        name: "create+write+close+unlink",
        prepare: create_write_close_unlink,
    },
    Operation {
        name: "write again",
        prepare: write_again,
    },
    Operation {
        name: "read again",
        prepare: read_again,
    },
    Operation {
        name: "rename",
        prepare: rename,
    },
    Operation {
        name: "TCP connection",
        prepare: connection,
    },
    Operation {
        name: "TCP send+receive again",
        prepare: send_receive_again,
    },
];

/// Where they play.
fn folder() -> io::Result<&'static Path> {
    let folder = Path::new("/tmp/w/bench");
    fs::create_dir_all(folder)?;
    Ok(folder)
}

/// A file from its beginning to its end: four events.
fn create_write_close_unlink() -> io::Result<Round> {
    let path = folder()?.join("short-lived");
    Ok(Box::new(move || {
        let mut file = File::create_new(&path)?;
        file.write_all(b"bytes")?;
        drop(file);
        fs::remove_file(&path)
    }))
}

/// A file that has been written a moment ago: no event.
fn write_again() -> io::Result<Round> {
    let file = File::create(folder()?.join("written"))?;
    Ok(Box::new(move || file.write_at(b"bytes", 0).map(drop)))
}

/// A file that has been read a moment ago: no event.
fn read_again() -> io::Result<Round> {
    let path = folder()?.join("read");
    fs::write(&path, "bytes")?;
    let file = File::open(path)?;
    Ok(Box::new(move || file.read_at(&mut [0; 5], 0).map(drop)))
}

/// A file between two names: one event.
fn rename() -> io::Result<Round> {
    let mut names = ["one-name", "other-name"].map(|name| Path::new("/tmp/w/bench").join(name));
    fs::write(folder()?.join("one-name"), "")?;
    Ok(Box::new(move || {
        fs::rename(&names[0], &names[1])?;
        names.swap(0, 1);
        Ok(())
    }))
}

/// What is sent at a time.
const MESSAGE: [u8; 1024] = [b'm'; 1024];

/// Somebody to connect to, at an address of this machine that is not its loopback: that is not reported.
fn listener() -> io::Result<TcpListener> {
    /// The first interface of every namespace.
    const LO: u32 = 1;
    let here = IpAddr::from([192, 0, 2, 1]);
    match net::add_address(LO, here, 32) {
        Err(error) if error.raw_os_error() != Some(libc::EEXIST) => Err(error),
        _ => TcpListener::bind((here, 0)),
    }
}

/// A connection from its beginning to its end, with 1 KiB sent through it: connect, accept, send, receive
/// and a close at each end, six events.
fn connection() -> io::Result<Round> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    Ok(Box::new(move || {
        let mut client = TcpStream::connect(address)?;
        let (mut server, _) = listener.accept()?;
        client.write_all(&MESSAGE)?;
        server.read_exact(&mut [0; MESSAGE.len()])
    }))
}

/// 1 KiB through a connection of which all that is to be told was told: no event.
fn send_receive_again() -> io::Result<Round> {
    /// As much of each connection is told.
    const PAYLOAD_BYTES: usize = 16 << 10;
    let listener = listener()?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    let mut round = move || {
        client.write_all(&MESSAGE)?;
        server.read_exact(&mut [0; MESSAGE.len()])
    };
    for _ in 0..=PAYLOAD_BYTES / MESSAGE.len() {
        round()?;
    }
    Ok(Box::new(round))
}

/// A child by vfork, as posix_spawn(3) makes it, that becomes a program which leaves at once, and the wait for it.
///
/// With vfork the figure does not depend on how much memory the parent has.
fn fork_exec_exit() -> io::Result<Round> {
    let path = folder()?.join("leaves");
    fs::write(&path, tiny::elf(Tiny::Leaves))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    let path = CString::new(path.into_os_string().into_encoded_bytes())?;
    // Made once: what the child allocated would stay in the memory that it shares with us.
    let image = birth::Image::new(path.clone(), vec![path], vec![c"PATH=/bin".into()]);
    Ok(Box::new(move || {
        let mut child = || {
            // Comes back only on failure, which the code then shows.
            let _ = image.exec();
            1
        };
        let pid = birth::vfork(&mut child)?;
        match process::wait(Some(pid))? {
            Some(waited) if waited.ended == Ended::Exit(0) => Ok(()),
            other => Err(io::Error::other(format!(
                "the program ended otherwise: {other:?}"
            ))),
        }
    }))
}
