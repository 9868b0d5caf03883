//! Payloads come from whoever can send: no bytes may make reading them panic.

use proptest::prelude::*;

use trapline_sensors::payload::dns::Message;
use trapline_sensors::payload::tls::ClientHello;

/// An answer with a pointer in a name.
const ANSWER: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x08trapline\x07example\
\x00\x00\x01\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03www\xc0\x15";

/// A greeting with the name `a.b`.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x39\x01\x00\x00\x35\x03\x03\
0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x0a\
\x00\x00\x00\x06\x00\x04\x00\x00\x01a";

fn changed(valid: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..valid.len(), any::<u8>());
    (proptest::collection::vec(change, 0..6), 0..=valid.len()).prop_map(|(changes, size)| {
        let mut bytes = valid.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(size);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn changed_answers_are_read_or_not(bytes in changed(ANSWER)) {
        if let Some(message) = Message::read(&bytes) {
            // Each byte may become four, and a record has at most two names.
            let most = 4 * 255 + 64;
            prop_assert!(message.questions.iter().all(|it| it.name.len() <= most));
            prop_assert!(message.answers.len() <= 256);
        }
    }

    #[test]
    fn changed_greetings_are_read_or_not(bytes in changed(HELLO)) {
        let _ = ClientHello::read(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = (Message::read(&bytes), ClientHello::read(&bytes));
    }
}

#[test]
fn what_is_changed_is_read_when_it_is_not() {
    let message = Message::read(ANSWER).unwrap();
    assert_eq!(message.answers.len(), 1);
    assert!(ClientHello::read(HELLO).is_some());
}
