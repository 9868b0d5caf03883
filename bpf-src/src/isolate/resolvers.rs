//! The resolvers of the host.

use std::net::IpAddr;
use std::path::Path;

use super::policy::{Network, Origin, Protocol, Rule, Service};
use super::{Error, Result};

const DOMAIN: u16 = 53;
/// What programs read.
const RESOLV_CONF: &str = "etc/resolv.conf";
/// Where systemd-resolved, which the former may only lead to, asks itself.
const BEHIND_STUB: &str = "run/systemd/resolve/resolv.conf";

/// Rules for DNS to the resolvers that `/etc/resolv.conf` names, and to nobody
/// else. They are those of this moment: who changes the file later opens nothing.
/// Those on the loopback interface need no rule; behind systemd-resolved's the
/// ones that it asks are allowed.
///
/// # Errors
/// A file that cannot be read; `NotFound` where it names no resolver beyond the
/// loopback interface.
pub fn resolvers(root: &Path) -> Result<Vec<Rule>> {
    let path = root.join(RESOLV_CONF);
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, &error))?;
    let mut found = nameservers(&text);
    if found.iter().any(is_stub) {
        let behind = std::fs::read_to_string(root.join(BEHIND_STUB));
        found.extend(behind.map_or_else(|_| Vec::new(), |text| nameservers(&text)));
    }
    found.retain(|address| !address.is_loopback() && !address.is_unspecified());
    found.sort();
    found.dedup();
    if found.is_empty() {
        let cause = format!(
            "{} names no resolver on the network: allow the one to ask by --allow ADDRESS:53/udp",
            path.display()
        );
        return Err(Error::not_found(cause));
    }
    let services = [Protocol::Udp, Protocol::Tcp].map(|protocol| Service {
        port: DOMAIN,
        protocol,
    });
    let rules = found.into_iter().flat_map(|address| {
        services.map(|service| Rule {
            network: Network::of(address),
            service: Some(service),
            origin: Origin::Dns,
        })
    });
    Ok(rules.collect())
}

/// systemd-resolved listens on these.
fn is_stub(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V4(four) if matches!(four.octets(), [127, 0, 0, 53 | 54]))
}

/// The addresses of the lines `nameserver ADDRESS[%INTERFACE]`.
fn nameservers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .filter(|word| *word == "nameserver")
            .and(words.next())?;
        address.split('%').next()?.parse::<IpAddr>().ok()
    });
    lines.map(|address| address.to_canonical()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_nameservers_count() {
        let text = "# nameserver 10.0.0.1\nsearch example\nnameserver 192.0.2.1\n\
                    nameserver fe80::1%eth0 \n nameserver\t::ffff:192.0.2.2\nnameserver x\n";
        let found: Vec<String> = nameservers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1", "fe80::1", "192.0.2.2"]);
    }

    fn root(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("trapline-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn behind_the_stub_are_those_that_it_asks() {
        let files = [
            (RESOLV_CONF, "nameserver 127.0.0.53\n"),
            (BEHIND_STUB, "nameserver 192.0.2.7\n"),
        ];
        let root = root("stub", &files);
        let rules = resolvers(&root).unwrap();
        std::fs::remove_dir_all(root).unwrap();
        let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["192.0.2.7:53/udp", "192.0.2.7:53/tcp"]);
    }

    #[test]
    fn no_resolver_on_the_network_is_an_error() {
        let root = root("none", &[(RESOLV_CONF, "nameserver 127.0.0.1\n")]);
        let error = resolvers(&root).unwrap_err();
        std::fs::remove_dir_all(root).unwrap();
        assert!(
            error
                .to_string()
                .contains("names no resolver on the network"),
            "{error}"
        );
    }
}
