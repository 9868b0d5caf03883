//! Rules as the programs look them up.
//!
//! The longest prefix that matches an address finds one set of rules, which has
//! to hold all rules that name the address: so the set of each prefix holds also
//! the rules of the wider ones around it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::abi::{Port, Prefix4, Prefix6, RULES, Set};
use super::policy::{Network, Rule, Service};
use super::{Error, Result};

/// Sets of rules by what finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Rules that name no port.
    pub any_port: Set,
    /// By prefix.
    pub networks: BTreeMap<Network, Set>,
    /// By port.
    pub services: BTreeMap<Service, Set>,
}

impl Tables {
    /// Makes them.
    ///
    /// # Errors
    /// `InvalidInput` for more rules than there is room for.
    pub fn of(rules: &[Rule]) -> Result<Self> {
        if rules.len() > RULES as usize {
            let cause = format!("{} rules, and at most {RULES} are possible", rules.len());
            return Err(Error::invalid_input(cause));
        }
        let mut tables = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            match rule.service {
                None => put(&mut tables.any_port, index),
                Some(service) => put(tables.services.entry(service).or_default(), index),
            }
            let set = tables.networks.entry(rule.network).or_default();
            for (other_index, other) in rules.iter().enumerate() {
                if rule.network.is_within(&other.network) {
                    put(set, other_index);
                }
            }
        }
        Ok(tables)
    }

    /// The keys and values of the trie for IPv4.
    pub fn peers4(&self) -> impl Iterator<Item = (Prefix4, Set)> {
        self.networks.iter().filter_map(|(network, set)| {
            let IpAddr::V4(four) = network.address else {
                return None;
            };
            let key = Prefix4 {
                bits: network.bits.into(),
                address: four.octets(),
            };
            Some((key, *set))
        })
    }

    /// The keys and values of the trie for IPv6.
    pub fn peers6(&self) -> impl Iterator<Item = (Prefix6, Set)> {
        self.networks.iter().filter_map(|(network, set)| {
            let IpAddr::V6(six) = network.address else {
                return None;
            };
            let key = Prefix6 {
                bits: network.bits.into(),
                address: six.octets(),
            };
            Some((key, *set))
        })
    }

    /// The keys and values of the ports.
    pub fn ports(&self) -> impl Iterator<Item = (Port, Set)> {
        self.services.iter().map(|(service, set)| {
            let key = Port {
                port: service.port.to_be_bytes(),
                protocol: service.protocol.number(),
                padding: 0,
            };
            (key, *set)
        })
    }
}

fn put(set: &mut Set, index: usize) {
    if let Some(word) = set.words.get_mut(index / 64) {
        *word |= 1 << (index % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the programs do: the longest prefix, the ports, the first in both.
    fn looked_up(tables: &Tables, peer: IpAddr, service: Service) -> Option<usize> {
        let matching = tables
            .networks
            .iter()
            .filter(|(network, _)| network.contains(peer));
        let (_, peers) = matching.max_by_key(|(network, _)| network.bits)?;
        let ports = tables.services.get(&service).copied().unwrap_or_default();
        let words = peers
            .words
            .iter()
            .zip(ports.words)
            .zip(tables.any_port.words);
        words
            .enumerate()
            .find_map(|(index, ((peers, ports), any))| {
                let both = peers & (ports | any);
                (both != 0).then(|| index * 64 + both.trailing_zeros() as usize)
            })
    }

    /// What they are to find.
    fn first(rules: &[Rule], peer: IpAddr, service: Service) -> Option<usize> {
        rules.iter().position(|rule| {
            rule.network.contains(peer) && rule.service.is_none_or(|named| named == service)
        })
    }

    /// Few addresses, so that they overlap.
    fn network() -> impl Strategy<Value = Network> {
        let four = (0u32..16, 28u8..=32).prop_map(|(low, bits)| {
            let kept = low >> (32 - bits) << (32 - bits);
            Network {
                address: IpAddr::V4((0x0a00_0000 | kept).into()),
                bits,
            }
        });
        let six = (0u128..16, 124u8..=128).prop_map(|(low, bits)| {
            let kept = low >> (128 - bits) << (128 - bits);
            Network {
                address: IpAddr::V6((0xfe << 120 | kept).into()),
                bits,
            }
        });
        prop_oneof![four, six]
    }

    fn service() -> impl Strategy<Value = Service> {
        use super::super::policy::Protocol::{Tcp, Udp};
        (1u16..4, prop_oneof![Just(Tcp), Just(Udp)])
            .prop_map(|(port, protocol)| Service { port, protocol })
    }

    fn rule() -> impl Strategy<Value = Rule> {
        (network(), proptest::option::of(service())).prop_map(|(network, service)| Rule {
            network,
            service,
            origin: super::super::policy::Origin::Allow,
        })
    }

    proptest! {
        #[test]
        fn the_first_rule_is_found_however_they_overlap(
            rules in proptest::collection::vec(rule(), 0..200),
            peers in proptest::collection::vec((network(), service()), 1..20),
        ) {
            let tables = Tables::of(&rules).unwrap();
            for (peer, service) in peers {
                let expected = first(&rules, peer.address, service);
                prop_assert_eq!(looked_up(&tables, peer.address, service), expected);
            }
        }
    }

    #[test]
    fn a_rule_too_many_is_an_error() {
        let rule: Rule = "10.0.0.5".parse().unwrap();
        assert!(Tables::of(&vec![rule; 256]).is_ok());
        let error = Tables::of(&vec![rule; 257]).unwrap_err();
        assert_eq!(error.to_string(), "257 rules, and at most 256 are possible");
    }
}
