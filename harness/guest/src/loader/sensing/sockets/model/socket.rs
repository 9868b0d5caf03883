//! What is known of a socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::super::operation::Slot;
use super::super::place::{Kind, Place};
use super::Id;
use super::told::{Totals, Who};

/// The end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The other end; none once it was closed.
    pub peer: Option<Id>,
    pub has_sent_end: bool,
    pub has_received_end: bool,
    /// The program has not asked connect(2) how it ended.
    pub is_unfetched: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Fresh,
    Listening(VecDeque<Id>),
    /// Asked by whom, and never answered.
    Asking(Who),
    /// That it failed is to be fetched.
    Failed,
    Connected(Stream),
    /// It was connected; whether the program has not asked how that ended.
    Over(bool),
    /// Of UNIX: to whom datagrams go.
    Paired(Id),
}

#[derive(Clone, Debug)]
pub struct Socket {
    pub kind: Kind,
    /// None before it is accepted.
    pub slot: Option<Slot>,
    pub waits: bool,
    pub owner: usize,
    /// How many descriptors each actor has.
    pub holders: BTreeMap<usize, u32>,
    pub is_told: bool,
    pub local: Option<SocketAddr>,
    /// `local` was asked for, and stays when a connection ends.
    pub is_bound: bool,
    /// Of who waited for the connection at one address: that stays, though the port does not.
    pub kept_ip: Option<IpAddr>,
    pub remote: Option<SocketAddr>,
    pub state: State,
    /// Of which class its addresses are: one of IPv6 that was used for IPv4, or the other
    /// way round, is not quite fit for both.
    pub class: Option<u8>,
    /// FIN was received since it was connected.
    pub is_done: bool,
    /// `SO_ERROR`.
    pub error: Option<i32>,
    /// Bytes that wait to be read.
    pub unread: u64,
    pub totals: Totals,
    pub payload_told: u64,
    pub has_received: bool,
    /// Its last connection lives on in TIME_WAIT: no other one from its port.
    pub is_waiting: bool,
    /// Datagrams that wait: how long, from whom.
    pub datagrams: VecDeque<(u64, SocketAddr)>,
    /// With whom datagrams were exchanged, and whether sent.
    pub flows: BTreeSet<(SocketAddr, bool)>,
    pub name: Option<Place>,
    pub is_accepted: bool,
}

impl Socket {
    pub fn new(kind: Kind, waits: bool, owner: usize) -> Self {
        Self {
            kind,
            slot: None,
            waits,
            owner,
            holders: BTreeMap::new(),
            is_told: false,
            local: None,
            is_bound: false,
            kept_ip: None,
            remote: None,
            state: State::Fresh,
            class: None,
            is_done: false,
            error: None,
            unread: 0,
            totals: Totals::default(),
            payload_told: 0,
            has_received: false,
            is_waiting: false,
            datagrams: VecDeque::new(),
            flows: BTreeSet::new(),
            name: None,
            is_accepted: false,
        }
    }
}
