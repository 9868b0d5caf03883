//! The first message of a TLS client: whom it wants to talk to.
//! Source: RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3; RFC 7301, section 3.1.

use super::Reader;

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_PROTOCOLS: u16 = 16;
const NAME_IS_HOST: u8 = 0;

/// What it says in the clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The server's name (SNI), if it says one.
    pub server_name: Option<String>,
    /// The protocols it speaks (ALPN): `h2`, `http/1.1`.
    pub protocols: Vec<String>,
}

impl ClientHello {
    /// Reads what a stream begins with; `None` for what is no such message. Of one
    /// whose end is missing, what there is.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut stream = Reader::new(bytes);
        if stream.u8()? != RECORD_HANDSHAKE || stream.u8()? != 3 {
            return None;
        }
        stream.u8()?; // minor version
        let mut record = stream.block_or_part(2)?;
        if record.u8()? != CLIENT_HELLO {
            return None;
        }
        let mut hello = record.block_or_part(3)?;
        if hello.u8()? != 3 {
            return None;
        }
        hello.take(1 + 32)?; // minor version, random
        hello.block(1)?; // session
        hello.block(2)?; // cipher suites
        hello.block(1)?; // compression
        let mut found = Self::default();
        // Without extensions: SSL 3, or cut off.
        if let Some(mut extensions) = hello.block_or_part(2) {
            while !extensions.is_at_end() && found.read_extension(&mut extensions).is_some() {}
        }
        Some(found)
    }

    fn read_extension(&mut self, extensions: &mut Reader<'_>) -> Option<()> {
        let kind = extensions.u16()?;
        let mut content = extensions.block(2)?;
        match kind {
            EXTENSION_SERVER_NAME => {
                let mut names = content.block(2)?;
                if names.u8()? == NAME_IS_HOST {
                    let name = names.block(2)?;
                    self.server_name = Some(text(name.bytes));
                }
            }
            EXTENSION_PROTOCOLS => {
                let mut list = content.block(2)?;
                while !list.is_at_end() {
                    let name = list.block(1)?;
                    self.protocols.push(text(name.bytes));
                }
            }
            _ => {}
        }
        Some(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(size_bytes: usize, content: &[u8]) -> Vec<u8> {
        let size = content.len().to_be_bytes();
        [&size[size.len() - size_bytes..], content].concat()
    }

    fn hello() -> Vec<u8> {
        let name = [&[NAME_IS_HOST][..], &block(2, b"trapline.example")].concat();
        let server_name = [&[0, 0][..], &block(2, &block(2, &name))].concat();
        let protocols = [block(1, b"h2"), block(1, b"http/1.1")].concat();
        let protocols = [&[0, 16][..], &block(2, &block(2, &protocols))].concat();
        let other = [0, 23, 0, 0];
        let extensions = [&other[..], &server_name, &protocols].concat();
        let hello = [
            &[3, 3][..],
            &[7; 32],
            &block(1, &[1, 2, 3]),
            &block(2, &[0x13, 1]),
            &block(1, &[0]),
            &block(2, &extensions),
        ];
        let message = [&[CLIENT_HELLO][..], &block(3, &hello.concat())].concat();
        [&[RECORD_HANDSHAKE, 3, 1][..], &block(2, &message)].concat()
    }

    #[test]
    fn a_greeting_says_whom_it_is_for() {
        let found = ClientHello::read(&hello()).unwrap();
        assert_eq!(found.server_name.as_deref(), Some("trapline.example"));
        assert_eq!(found.protocols, ["h2", "http/1.1"]);
    }

    #[test]
    fn a_greeting_that_is_cut_off_says_what_it_got_to() {
        let whole = hello();
        let shown = |size: usize| ClientHello::read(&whole[..size]);
        assert_eq!(
            shown(whole.len() - 1).unwrap().server_name.as_deref(),
            Some("trapline.example")
        );
        assert_eq!(shown(60).unwrap(), ClientHello::default());
        assert_eq!(shown(20), None);
    }

    #[test]
    fn what_is_no_greeting_is_none() {
        assert_eq!(ClientHello::read(b"GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(ClientHello::read(&[RECORD_HANDSHAKE, 3, 1, 0, 1, 2]), None);
        assert_eq!(ClientHello::read(&[]), None);
    }
}
