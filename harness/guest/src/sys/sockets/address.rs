//! Addresses as the kernel takes them.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// How large an address may be: `struct sockaddr_storage`.
pub(super) const ADDRESS_BYTES: usize = 128;
/// Where `sun_path` is in its structure.
const SUN_PATH_AT: usize = 2;

/// An address as the kernel takes it, of any length.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub(super) bytes: [u8; ADDRESS_BYTES],
    pub(super) len: usize,
}

impl Address {
    fn new(family: i32, rest: &[u8], len: usize) -> Self {
        let mut bytes = [0; ADDRESS_BYTES];
        let family = family as libc::sa_family_t;
        bytes[..2].copy_from_slice(&family.to_ne_bytes());
        let end = ADDRESS_BYTES.min(2 + rest.len());
        bytes[2..end].copy_from_slice(&rest[..end - 2]);
        Self { bytes, len }
    }

    /// Of a Unix socket: a path, or a zero and an abstract name.
    #[must_use]
    pub fn unix(path: &[u8]) -> Self {
        let is_abstract = path.first().is_none_or(|first| *first == 0);
        // A path is given with the zero that ends it.
        let end = usize::from(!is_abstract);
        Self::new(libc::AF_UNIX, path, SUN_PATH_AT + path.len() + end)
    }

    /// Of no family: what dissolves a connection.
    #[must_use]
    pub fn none() -> Self {
        Self::new(libc::AF_UNSPEC, &[], 16)
    }

    /// Given with so many bytes instead.
    #[must_use]
    pub fn with_len(self, len: usize) -> Self {
        Self { len, ..self }
    }

    /// Back to what it says; `None` if it is no address of IP.
    #[must_use]
    pub fn ip(&self) -> Option<SocketAddr> {
        let at =
            |from: usize| -> [u8; 4] { self.bytes[from..from + 4].try_into().unwrap_or([0; 4]) };
        let family = u16::from_ne_bytes([self.bytes[0], self.bytes[1]]);
        let port = u16::from_be_bytes([self.bytes[2], self.bytes[3]]);
        match i32::from(family) {
            libc::AF_INET => Some(SocketAddrV4::new(at(4).into(), port).into()),
            libc::AF_INET6 => {
                let ip: [u8; 16] = self.bytes[8..24].try_into().ok()?;
                let (flow, scope) = (u32::from_be_bytes(at(4)), u32::from_ne_bytes(at(24)));
                Some(SocketAddrV6::new(ip.into(), port, flow, scope).into())
            }
            _ => None,
        }
    }

    /// Where its bytes are, and how many are given.
    #[must_use]
    pub fn place(&self) -> (*const u8, libc::socklen_t) {
        (self.bytes.as_ptr(), self.len as libc::socklen_t)
    }

    pub(super) fn empty() -> Self {
        Self::new(0, &[], ADDRESS_BYTES)
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let mut rest = address.port().to_be_bytes().to_vec();
        match address {
            SocketAddr::V4(v4) => {
                rest.extend(v4.ip().octets());
                Self::new(libc::AF_INET, &rest, size_of::<libc::sockaddr_in>())
            }
            SocketAddr::V6(v6) => {
                rest.extend(v6.flowinfo().to_be_bytes());
                rest.extend(v6.ip().octets());
                rest.extend(v6.scope_id().to_ne_bytes());
                Self::new(libc::AF_INET6, &rest, size_of::<libc::sockaddr_in6>())
            }
        }
    }
}
