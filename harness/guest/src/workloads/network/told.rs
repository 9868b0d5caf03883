//! What a network workload says it did: system calls' results, and what the socket then shows.

use std::io;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::about::{About, Flow};
use crate::workloads::failure::{Failure, Outcome};
use crate::workloads::truth;

/// One fact about a socket, while it is put together.
#[derive(Clone, Debug)]
pub struct Told(Map<String, Value>);

impl Told {
    /// This process did this (the event's name) to a socket. Nothing is said of its addresses yet,
    /// which are then not compared.
    ///
    /// # Errors
    /// Without /proc.
    pub fn new(operation: &str, about: &About) -> Outcome<Self> {
        Ok(Self::by(truth::own_pid()?, operation, about))
    }

    /// This process, of the initial pid namespace, did this, or is told as its owner.
    #[must_use]
    pub fn by(pid: i32, operation: &str, about: &About) -> Self {
        let mut fact = Map::new();
        let key = if about.is_late {
            "late_cookie"
        } else {
            "cookie"
        };
        if let Some(cookie) = about.cookie {
            fact.insert(key.into(), cookie.into());
        }
        for (key, value) in [
            ("what", json!("socket")),
            ("pid", json!(pid)),
            ("operation", json!(operation)),
            ("owner", json!(about.owner)),
            ("family", json!(about.family)),
            ("type", json!(about.kind)),
            ("protocol", json!(about.protocol)),
            ("net_ns", json!(about.net_ns)),
            ("interface", json!(about.interface)),
            ("sent", json!(about.sent)),
            ("received", json!(about.received)),
        ] {
            fact.insert(key.into(), value);
        }
        if about.family != libc::AF_UNIX as u64 {
            fact.insert("path".into(), Value::Null);
        }
        let told = Self(fact);
        if about.is_datagrams() {
            let (sent, received) = (about.sent_packets, about.received_packets);
            return told
                .with("sent_packets", sent)
                .with("received_packets", received);
        }
        told
    }

    /// What went between it and this other end is over, told in the name of who began it.
    #[must_use]
    pub fn flow_end(about: &About, remote: SocketAddr, flow: &Flow) -> Self {
        let told = Self::by(flow.by, "flow_end", about).flags(&["by_owner"]);
        let (sent, received) = (flow.sent, flow.received);
        told.local(flow.local)
            .remote(Some(remote))
            .with("sent", sent.0)
            .with("sent_packets", sent.1)
            .with("received", received.0)
            .with("received_packets", received.1)
            .with("first_ns", json!(flow.first_ns))
            .with("last_ns", json!(flow.last_ns))
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Nothing is compared under this key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// This end; `None`: there must be none.
    #[must_use]
    pub fn local(self, address: Option<SocketAddr>) -> Self {
        self.with("local", address.map(|it| it.to_string()))
    }

    /// The other end.
    #[must_use]
    pub fn remote(self, address: Option<SocketAddr>) -> Self {
        self.with("remote", address.map(|it| it.to_string()))
    }

    /// A Unix socket's path as given, an abstract one with its zero.
    #[must_use]
    pub fn path(self, path: &[u8]) -> Self {
        self.with("path", truth::bytes(path))
    }

    /// By this thread.
    #[must_use]
    pub fn tid(self, tid: i32) -> Self {
        self.with("tid", tid)
    }

    /// Names of flags, in the order of the wire format.
    #[must_use]
    pub fn flags(self, flags: &[&str]) -> Self {
        self.with("flags", flags)
    }

    /// listen: the backlog.
    #[must_use]
    pub fn detail(self, detail: u32) -> Self {
        self.with("detail", detail)
    }

    /// These bytes, and whether there were more; so many were sent before.
    #[must_use]
    pub fn payload(self, bytes: &[u8], is_cut: bool, offset: Option<u64>) -> Self {
        let flags: &[&str] = if is_cut { &["cut_end"] } else { &[] };
        let told = self
            .with("payload", truth::bytes(bytes))
            .with("payload_flags", flags);
        match offset {
            Some(offset) => told.with("payload_offset", offset),
            None => told,
        }
    }

    /// With this errno.
    #[must_use]
    pub fn error(self, errno: i32) -> Self {
        self.with("error", errno)
    }

    /// It failed with this errno.
    ///
    /// # Errors
    /// When it did not.
    pub fn fails<T>(self, result: io::Result<T>, errno: i32) -> Outcome<Self> {
        let got = result.map(drop);
        let code = got.as_ref().err().and_then(io::Error::raw_os_error);
        if code != Some(errno) {
            let expected = io::Error::from_raw_os_error(errno);
            return Err(Failure(format!(
                "{:?} should fail with {expected}: {got:?}",
                self.0
            )));
        }
        Ok(self.error(errno))
    }

    /// Says it.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn say(self) -> Outcome {
        truth::say(&self.0.into())
    }
}
