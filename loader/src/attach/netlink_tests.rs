use super::*;
use proptest::prelude::*;

fn message(bytes: &[u8]) -> Message<'_> {
    Messages(bytes).next().unwrap().unwrap()
}

#[test]
fn a_request_says_its_length_and_number() {
    let bytes = Request::new(36, ACK | CREATE, &[7; 20]).finish(9).unwrap();
    assert_eq!(bytes.len(), 36);
    let found = message(&bytes);
    assert_eq!((found.kind, found.flags, found.sequence), (36, 0x405, 9));
    assert_eq!(found.payload, [7; 20]);
}

#[test]
fn attributes_come_out_as_they_went_in() {
    let mut request = Request::new(44, 0, &[0; 20]);
    request.put_text(1, "bpf");
    request.nest(2, |inside| {
        inside.put_u32(6, 42);
        inside.put(8, &[1, 2, 3]);
    });
    request.put_u32(11, 5);
    let bytes = request.finish(1).unwrap();
    assert_eq!(bytes.len() % 4, 0);
    let (_, attributes) = message(&bytes).split::<20>().unwrap();
    assert_eq!(attributes.text(1).as_deref(), Some("bpf"));
    assert_eq!(attributes.nested(2).u32(6), Some(42));
    assert_eq!(attributes.nested(2).get(8), Some(&[1, 2, 3][..]));
    assert_eq!(attributes.u32(11), Some(5));
    assert_eq!(attributes.get(12), None);
}

#[test]
fn an_attribute_too_long_for_its_length_is_an_error() {
    let mut request = Request::new(44, 0, &[]);
    request.put(1, &[0; 70_000]);
    assert!(request.finish(1).is_err());
}

#[test]
fn a_structure_of_odd_length_is_padded() {
    let mut request = Request::new(44, 0, &[9; 6]);
    request.put_u32(3, 8);
    let bytes = request.finish(1).unwrap();
    let (fixed, attributes) = message(&bytes).split::<6>().unwrap();
    assert_eq!((fixed, attributes.u32(3)), (&[9; 6], Some(8)));
}

/// An NLMSG_ERROR with the request whole or capped, and the kernel's words.
fn refusal(errno: i32, capped: bool, words: &str) -> Vec<u8> {
    let mut request = Request::new(36, 0, &[0; 20]);
    request.put_text(1, "clsact");
    let request = request.finish(3).unwrap();
    let mut fixed = (-errno).to_ne_bytes().to_vec();
    fixed.extend_from_slice(if capped { &request[..16] } else { &request });
    let flags = if capped { ACK_TLVS | CAPPED } else { ACK_TLVS };
    let mut answer = Request::new(NLMSG_ERROR, flags, &fixed);
    answer.put_u32(2, 16);
    answer.put_text(NLMSGERR_ATTR_MSG, words);
    answer.finish(3).unwrap()
}

#[test]
fn the_words_of_a_refusal_are_found() {
    for capped in [false, true] {
        let bytes = refusal(2, capped, "Specified qdisc kind is unknown");
        let (errno, words) = message(&bytes).verdict().unwrap();
        assert_eq!(errno, 2);
        assert_eq!(words.as_deref(), Some("Specified qdisc kind is unknown"));
    }
}

#[test]
fn an_acknowledgement_is_no_error() {
    let bytes = Request::new(NLMSG_ERROR, 0, &[0; 20]).finish(3).unwrap();
    assert_eq!(message(&bytes).verdict().unwrap(), (0, None));
}

#[test]
fn cut_messages_are_errors() {
    let bytes = refusal(2, true, "no");
    for len in 1..bytes.len() {
        let first = Messages(&bytes[..len]).next().unwrap();
        assert!(first.is_err(), "{len} bytes");
        assert_eq!(Messages(&bytes[..len]).count(), 1);
    }
}

#[test]
fn a_length_of_zero_ends_the_messages_and_the_attributes() {
    assert_eq!(Messages(&[0; 64]).count(), 1);
    assert_eq!(Attributes(&[0; 64]).count(), 0);
}

#[test]
fn several_messages_follow_each_other() {
    let mut bytes = Request::new(44, 0, &[1; 3]).finish(1).unwrap();
    bytes.extend(Request::new(3, 0, &[0; 4]).finish(1).unwrap());
    let kinds: Vec<u16> = Messages(&bytes).map(|found| found.unwrap().kind).collect();
    assert_eq!(kinds, [44, NLMSG_DONE]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, flags: u16) {
        for found in Messages(&bytes) {
            let Ok(mut found) = found else { continue };
            found.flags = flags;
            let _ = found.verdict();
            found.kind = NLMSG_ERROR;
            let _ = found.verdict();
            if let Ok((_, attributes)) = found.split::<20>() {
                prop_assert!(attributes.count() <= bytes.len() / 4);
                let _ = (attributes.text(1), attributes.nested(2).u32(3));
            }
        }
    }

    #[test]
    fn any_flipped_byte_is_read_without_a_panic(at: prop::sample::Index, byte: u8) {
        let mut bytes = refusal(2, false, "some words");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for found in Messages(&bytes).flatten() {
            let _ = found.verdict();
        }
    }
}
