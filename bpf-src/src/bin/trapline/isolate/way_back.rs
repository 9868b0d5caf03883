//! Whoever isolates a host has to come back to it.

use std::net::IpAddr;
use std::time::Duration;

use trapline_loader::{Error, Result};
use trapline_sensors::isolate::Rule;

/// Refuses what nobody could end: neither a rule nor a duration; or a session of
/// ssh that no rule allows, without a duration.
///
/// # Errors
/// `InvalidInput`, saying what is missing.
pub fn check(rules: &[Rule], duration: Option<Duration>, ssh: Option<String>) -> Result<()> {
    if duration.is_some() {
        return Ok(());
    }
    if rules.is_empty() {
        let cause = "there would be no way back: allow where it will be released from \
                     (--allow ADDRESS:22/tcp), or give it an end (--for 1h), or --force";
        return Err(Error::invalid_input(cause));
    }
    // CLIENT PORT SERVER PORT
    let client = ssh.as_deref().and_then(|ssh| ssh.split_whitespace().next());
    let client = client.and_then(|client| client.split('%').next()?.parse::<IpAddr>().ok());
    match client.map(|client| client.to_canonical()) {
        Some(client) if !is_allowed(rules, client) => {
            let cause = format!(
                "this session comes from {client}, which no rule allows: add --allow {client}, \
                 or give it an end (--for 1h), or --force"
            );
            Err(Error::invalid_input(cause))
        }
        _ => Ok(()),
    }
}

fn is_allowed(rules: &[Rule], client: IpAddr) -> bool {
    let mut rules = rules.iter();
    client.is_loopback() || rules.any(|rule| rule.network.contains(client))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(rules: &[&str], duration: Option<u64>, ssh: Option<&str>) -> String {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let duration = duration.map(Duration::from_secs);
        let checked = check(&rules, duration, ssh.map(str::to_owned));
        checked
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_rule_or_a_duration_is_a_way_back() {
        assert!(checked(&[], None, None).starts_with("there would be no way back"));
        assert_eq!(checked(&[], Some(60), None), "");
        assert_eq!(checked(&["10.0.0.0/8"], None, None), "");
    }

    #[test]
    fn a_session_that_would_be_cut_is_named() {
        let ssh = Some("192.0.2.7 50000 10.0.0.1 22");
        let said = checked(&["10.0.0.0/8"], None, ssh);
        assert!(
            said.starts_with("this session comes from 192.0.2.7"),
            "{said}"
        );
        assert_eq!(checked(&["192.0.2.0/24:22/tcp"], None, ssh), "");
        assert_eq!(checked(&["10.0.0.0/8"], Some(60), ssh), "");
        let mapped = Some("::ffff:192.0.2.7 50000 ::ffff:10.0.0.1 22");
        assert_eq!(checked(&["192.0.2.7"], None, mapped), "");
        assert_eq!(checked(&["10.0.0.0/8"], None, Some("::1 1 ::1 22")), "");
    }
}
