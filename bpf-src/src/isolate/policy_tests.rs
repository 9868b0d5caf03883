use super::*;

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = text.parse::<Rule>().unwrap_err();
    assert_eq!(error.to_string(), message, "{text}");
}

#[test]
fn what_is_written_is_what_is_shown() {
    for text in [
        "10.0.0.5",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "10.0.0.5:22/tcp",
        "192.0.2.0/24:53/udp",
        "2001:db8::1",
        "2001:db8::/32",
        "[2001:db8::/32]:443/tcp",
        "[2001:db8::1]:53/udp",
        "::/0",
    ] {
        assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
    }
}

#[test]
fn brackets_without_a_port_and_full_length_are_the_plain_address() {
    assert_eq!(
        "[2001:db8::1]".parse::<Rule>().unwrap().to_string(),
        "2001:db8::1"
    );
    assert_eq!(
        "10.0.0.5/32".parse::<Rule>().unwrap().to_string(),
        "10.0.0.5"
    );
}

#[test]
fn a_mistake_is_named_with_its_place() {
    refused("", "at character 1: an address is missing");
    refused("10.0.0", "at character 1: \"10.0.0\" is no address");
    refused("10.0.0.5/", "at character 10: \"\" is no number of bits");
    refused(
        "10.0.0.0/33",
        "at character 10: /33 is more than the 32 bits of an IPv4 address",
    );
    refused(
        "10.0.0.0/+8",
        "at character 10: \"+8\" is no number of bits",
    );
    refused(
        "10.0.0.5/8",
        "at character 1: 10.0.0.5/8 is no network: 10.0.0.0/8, or the address 10.0.0.5?",
    );
    refused(
        "2001:db8::/129",
        "at character 12: /129 is more than the 128 bits of an IPv6 address",
    );
    refused(
        "10.0.0.5:22",
        "at character 10: the protocol is missing: 22/tcp or 22/udp",
    );
    refused(
        "10.0.0.5:0/tcp",
        "at character 10: \"0\" is no port from 1 to 65535",
    );
    refused(
        "10.0.0.5:65536/tcp",
        "at character 10: \"65536\" is no port from 1 to 65535",
    );
    refused(
        "10.0.0.5:22/sctp",
        "at character 13: \"sctp\" is neither tcp nor udp",
    );
    refused("[2001:db8::1", "at character 1: the bracket is not closed");
    refused(
        "[2001:db8::1]x",
        "at character 14: only :PORT/PROTOCOL can follow the bracket",
    );
    refused(
        "host.example",
        "at character 1: \"host.example\" is no address",
    );
    refused(
        "::ffff:10.0.0.5",
        "at character 1: on the network this is 10.0.0.5: write it so",
    );
}

#[test]
fn a_rule_is_read_back_as_it_was_stored() {
    for text in ["10.0.0.0/8", "10.0.0.5:22/tcp", "[2001:db8::/32]:53/udp"] {
        let mut rule: Rule = text.parse().unwrap();
        rule.origin = Origin::Dns;
        assert_eq!(Rule::from(&StoredRule::from(&rule)), rule);
    }
}

#[test]
fn a_network_contains_its_addresses_alone() {
    let network = "10.1.0.0/16".parse::<Rule>().unwrap().network;
    for (address, is_inside) in [
        ("10.1.0.0", true),
        ("10.1.255.255", true),
        ("10.2.0.0", false),
        ("::", false),
    ] {
        assert_eq!(
            network.contains(address.parse().unwrap()),
            is_inside,
            "{address}"
        );
    }
    let all = "0.0.0.0/0".parse::<Rule>().unwrap().network;
    assert!(network.is_within(&all) && !all.is_within(&network));
    assert!(network.is_within(&network));
}
