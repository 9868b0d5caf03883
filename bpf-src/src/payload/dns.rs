//! DNS messages. Source: RFC 1035, section 4.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Reader;

/// Two bits before a pointer to an earlier name.
const POINTER: u8 = 0xc0;
/// The longest name on the wire, in bytes.
const NAME_BYTES: usize = 255;
/// Records that are read of one message; a datagram has room for few.
const RECORDS_MOST: u16 = 256;

/// A query, or an answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same in a query and its answer.
    pub id: u16,
    /// Whether it is an answer.
    pub is_answer: bool,
    /// 0 no error, 2 server failure, 3 no such name, …
    pub code: u8,
    /// Whether more would not fit, so that it is asked for anew by TCP.
    pub is_truncated: bool,
    /// What is asked.
    pub questions: Vec<Question>,
    /// What is answered; fewer than there were where the end of the message is missing.
    pub answers: Vec<Record>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Without the last dot; odd bytes as `\DDD`.
    pub name: String,
    /// 1 A, 28 AAAA, 5 CNAME, …
    pub kind: u16,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub name: String,
    /// As [`Question::kind`].
    pub kind: u16,
    /// For how many seconds it holds.
    pub ttl_s: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// A, AAAA.
    Ip(IpAddr),
    /// CNAME, NS, PTR.
    Name(String),
    /// Another kind, of so many bytes.
    Other(usize),
}

impl Message {
    /// Reads a message; `None` for what is none, or whose questions are not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let (questions, answers) = (reader.u16()?, reader.u16()?);
        reader.take(4)?; // authorities and additional records: not read
        let mut message = Self {
            id,
            is_answer: flags & 0x8000 != 0,
            code: (flags & 0xf) as u8,
            is_truncated: flags & 0x200 != 0,
            questions: Vec::new(),
            answers: Vec::new(),
        };
        for _ in 0..questions.min(RECORDS_MOST) {
            let name = name(&mut reader)?;
            let kind = reader.u16()?;
            reader.u16()?; // class
            message.questions.push(Question { name, kind });
        }
        if message.questions.is_empty() && answers == 0 {
            return None;
        }
        for _ in 0..answers.min(RECORDS_MOST) {
            match record(&mut reader) {
                Some(record) => message.answers.push(record),
                None => break,
            }
        }
        Some(message)
    }
}

fn record(reader: &mut Reader<'_>) -> Option<Record> {
    let name_of = name(reader)?;
    let kind = reader.u16()?;
    reader.u16()?; // class
    let ttl_s = reader.u32()?;
    let size = usize::from(reader.u16()?);
    let mut inside = *reader;
    let bytes = reader.take(size)?;
    let data = match (kind, size) {
        (1, 4) => Data::Ip(IpAddr::from(Ipv4Addr::from(*bytes.first_chunk::<4>()?))),
        (28, 16) => Data::Ip(IpAddr::from(Ipv6Addr::from(*bytes.first_chunk::<16>()?))),
        // A pointer in it may lead to any earlier place of the message.
        (2 | 5 | 12, _) => Data::Name(name(&mut inside)?),
        _ => Data::Other(size),
    };
    Some(Record {
        name: name_of,
        kind,
        ttl_s,
        data,
    })
}

/// A name, which may end in that of an earlier one.
fn name(reader: &mut Reader<'_>) -> Option<String> {
    let mut text = String::new();
    let mut place = *reader;
    let mut end = None;
    let mut size = 0;
    loop {
        let start = place.at;
        let length = place.u8()?;
        if length & POINTER == POINTER {
            let low = place.u8()?;
            let target = usize::from(length & !POINTER) << 8 | usize::from(low);
            end.get_or_insert(place.at);
            // Only backwards, so that it ends.
            if target >= start {
                return None;
            }
            place.at = target;
            // Each pointer leads further to the front, but there may be thousands.
            size += 2;
        } else if length & POINTER != 0 {
            return None;
        } else if length == 0 {
            end.get_or_insert(place.at);
            break;
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            label(&mut text, place.take(length.into())?);
            size += usize::from(length) + 1;
        }
        if size > NAME_BYTES {
            return None;
        }
    }
    reader.at = end?;
    Some(text)
}

/// A label as zone files write it: RFC 1035, section 5.1.
fn label(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'.' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x21..=0x7e => text.push(char::from(*byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(text, "\\{byte:03}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 12] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];

    fn answer() -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        bytes.extend(b"\x08trapline\x07example\x00\x00\x01\x00\x01");
        // A CNAME whose own name is a pointer, to a name that ends in one.
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6]);
        bytes.extend(b"\x03www\xc0\x15");
        bytes.extend([0xc0, 0x2e, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 192, 0, 2, 1]);
        bytes
    }

    #[test]
    fn an_answer_is_read_through_its_pointers() {
        let message = Message::read(&answer()).unwrap();
        assert_eq!((message.id, message.is_answer), (0x1234, true));
        assert_eq!(message.questions[0].name, "trapline.example");
        let [alias, address] = message.answers.as_slice() else {
            panic!("{message:?}")
        };
        assert_eq!(alias.data, Data::Name("www.example".into()));
        assert_eq!((address.name.as_str(), address.ttl_s), ("www.example", 256));
        assert_eq!(address.data, Data::Ip("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn answers_that_are_cut_off_leave_those_before_them() {
        let whole = answer();
        let message = Message::read(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(message.answers.len(), 1);
        assert_eq!(Message::read(&whole[..20]), None);
    }

    #[test]
    fn pointers_that_go_round_or_forward_are_no_name() {
        for pointer in [[0xc0, 12], [0xc0, 14], [0xff, 0xff]] {
            let mut bytes = HEADER.to_vec();
            bytes.extend(pointer);
            bytes.extend([0, 1, 0, 1]);
            assert_eq!(Message::read(&bytes), None);
        }
    }

    #[test]
    fn odd_bytes_are_told_as_zone_files_write_them() {
        let mut text = String::new();
        label(&mut text, b"a.b\\\x00\xff ");
        assert_eq!(text, "a\\.b\\\\\\000\\255\\032");
    }
}
