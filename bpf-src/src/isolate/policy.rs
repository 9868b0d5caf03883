//! Rules: who may talk to the host.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::abi::StoredRule;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// The bits that do not count are zero.
    pub address: IpAddr,
    /// How many count.
    pub bits: u8,
}

impl Network {
    /// One address alone.
    pub fn of(address: IpAddr) -> Self {
        Self {
            address,
            bits: width(address),
        }
    }

    /// Is the address in it?
    pub fn contains(&self, address: IpAddr) -> bool {
        width(address) == width(self.address) && masked(address, self.bits) == self.address
    }

    /// Are all of its addresses in `wider`?
    pub fn is_within(&self, wider: &Self) -> bool {
        wider.bits <= self.bits && wider.contains(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(self.address) {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// `IPPROTO_*`.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => TCP,
            Self::Udp => UDP,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port that somebody offers a service on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Not 0.
    pub port: u16,
    /// Of the port.
    pub protocol: Protocol,
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was asked for.
    Allow,
    /// It is a resolver's.
    Dns,
}

/// Who may talk to the host.
///
/// Without a service: by TCP, UDP and ICMP. With one: to its port, on whichever
/// side it is, and back; not from it to other ports.
///
/// ```
/// use trapline_sensors::isolate::{Protocol, Rule};
///
/// let rule: Rule = "[2001:db8::/32]:443/tcp".parse()?;
/// assert!(rule.network.contains("2001:db8::7".parse().unwrap()));
/// let service = rule.service.unwrap();
/// assert_eq!((service.port, service.protocol), (443, Protocol::Tcp));
///
/// let error = "192.0.2.0/33".parse::<Rule>().unwrap_err();
/// assert_eq!(error.position, 11);
/// println!("{error}");
/// # Ok::<(), trapline_sensors::isolate::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The peers.
    pub network: Network,
    /// The only port.
    pub service: Option<Service>,
    /// Where the rule comes from.
    pub origin: Origin,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.service, self.network.address) {
            (None, _) => write!(f, "{}", self.network),
            (Some(service), IpAddr::V4(_)) => {
                write!(f, "{}:{}/{}", self.network, service.port, service.protocol)
            }
            (Some(service), IpAddr::V6(_)) => {
                write!(
                    f,
                    "[{}]:{}/{}",
                    self.network, service.port, service.protocol
                )
            }
        }
    }
}

/// What is wrong with a rule's text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The character, counted from 1.
    pub position: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.position, self.why)
    }
}

impl core::error::Error for RuleError {}

/// A part of a text, and where it begins.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    fn error<T>(&self, why: impl Into<String>) -> Result<T, RuleError> {
        Err(RuleError {
            position: self.start + 1,
            why: why.into(),
        })
    }

    /// From so many bytes on; all that is cut here is ASCII.
    fn from(&self, at: usize) -> Self {
        Self {
            text: self.text.get(at..).unwrap_or_default(),
            start: self.start + at,
        }
    }

    /// Before and after the first such character.
    fn split(&self, at: char) -> Option<(Self, Self)> {
        let place = self.text.find(at)?;
        let before = Self {
            text: self.text.get(..place)?,
            start: self.start,
        };
        Some((before, self.from(place + at.len_utf8())))
    }

    fn number<N: FromStr>(&self) -> Option<N> {
        let digits = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        self.text.parse().ok().filter(|_| digits)
    }
}

/// `ADDRESS[/BITS][:PORT/PROTOCOL]`; an IPv6 address with a port stands in
/// brackets, with its bits: `[2001:db8::/32]:443/tcp`.
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let whole = Part { text, start: 0 };
        let (network, service) = match whole.text.strip_prefix('[') {
            Some(_) => {
                let inside = whole.from(1);
                let Some((network, after)) = inside.split(']') else {
                    return whole.error("the bracket is not closed");
                };
                match after.text.strip_prefix(':') {
                    Some(_) => (network, Some(after.from(1))),
                    None if after.text.is_empty() => (network, None),
                    None => return after.error("only :PORT/PROTOCOL can follow the bracket"),
                }
            }
            // More than one colon is an IPv6 address without a port.
            None if text.matches(':').count() > 1 => (whole, None),
            None => match whole.split(':') {
                Some((network, service)) => (network, Some(service)),
                None => (whole, None),
            },
        };
        Ok(Self {
            network: parse_network(network)?,
            service: service.map(parse_service).transpose()?,
            origin: Origin::Allow,
        })
    }
}

fn parse_network(part: Part<'_>) -> Result<Network, RuleError> {
    let (address_part, bits_part) = match part.split('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (part, None),
    };
    let Ok(address) = address_part.text.parse::<IpAddr>() else {
        let why = match address_part.text {
            "" => "an address is missing".to_owned(),
            text => format!("{text:?} is no address"),
        };
        return address_part.error(why);
    };
    let mapped = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    if let Some(four) = mapped {
        return address_part.error(format!("on the network this is {four}: write it so"));
    }
    let all = width(address);
    let bits = match bits_part {
        None => all,
        Some(part) => match part.number::<u8>() {
            Some(bits) if bits <= all => bits,
            Some(bits) => {
                let family = if all == 32 { "IPv4" } else { "IPv6" };
                let why = format!("/{bits} is more than the {all} bits of an {family} address");
                return part.error(why);
            }
            None => return part.error(format!("{:?} is no number of bits", part.text)),
        },
    };
    let network = Network {
        address: masked(address, bits),
        bits,
    };
    if network.address != address {
        let why = format!("{address}/{bits} is no network: {network}, or the address {address}?");
        return part.error(why);
    }
    Ok(network)
}

fn parse_service(part: Part<'_>) -> Result<Service, RuleError> {
    let Some((port_part, protocol_part)) = part.split('/') else {
        return part.error(format!(
            "the protocol is missing: {text}/tcp or {text}/udp",
            text = part.text
        ));
    };
    let port = match port_part.number::<u16>() {
        Some(port) if port > 0 => port,
        _ => {
            return port_part.error(format!("{:?} is no port from 1 to 65535", port_part.text));
        }
    };
    let protocol = match protocol_part.text {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        other => return protocol_part.error(format!("{other:?} is neither tcp nor udp")),
    };
    Ok(Service { port, protocol })
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all but its first bits zero.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Ipv4Addr::from_bits(four.to_bits() & mask).into()
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            Ipv6Addr::from_bits(six.to_bits() & mask).into()
        }
    }
}

impl From<&Rule> for StoredRule {
    fn from(rule: &Rule) -> Self {
        let mut stored = Self {
            bits: rule.network.bits,
            protocol: rule.service.map_or(0, |service| service.protocol.number()),
            port: rule.service.map_or(0, |service| service.port),
            origin: u8::from(rule.origin == Origin::Dns),
            ..Self::default()
        };
        match rule.network.address {
            IpAddr::V4(four) => {
                stored.family = 4;
                stored.address[..4].copy_from_slice(&four.octets());
            }
            IpAddr::V6(six) => {
                stored.family = 6;
                stored.address = six.octets();
            }
        }
        stored
    }
}

impl From<&StoredRule> for Rule {
    fn from(stored: &StoredRule) -> Self {
        let [a, b, c, d, ..] = stored.address;
        let address = match stored.family {
            4 => Ipv4Addr::new(a, b, c, d).into(),
            _ => Ipv6Addr::from(stored.address).into(),
        };
        let protocol = match stored.protocol {
            TCP => Some(Protocol::Tcp),
            UDP => Some(Protocol::Udp),
            _ => None,
        };
        Self {
            network: Network {
                address,
                bits: stored.bits,
            },
            service: protocol.map(|protocol| Service {
                port: stored.port,
                protocol,
            }),
            origin: match stored.origin {
                0 => Origin::Allow,
                _ => Origin::Dns,
            },
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
