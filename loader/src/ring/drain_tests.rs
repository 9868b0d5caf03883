use super::*;
use core::cell::Cell;

/// A ring in ordinary memory, its data kept twice in a row like the kernel's.
struct Fake {
    bytes: usize,
    data: Vec<u8>,
    consumer: Cell<usize>,
    producer: Cell<usize>,
}

impl Fake {
    fn starting_at(bytes: usize, position: usize) -> Self {
        Self {
            bytes,
            data: vec![0; bytes * 2],
            consumer: Cell::new(position),
            producer: Cell::new(position),
        }
    }

    fn put(&mut self, position: usize, byte: u8) {
        let at = position & (self.bytes - 1);
        self.data[at] = byte;
        self.data[at + self.bytes] = byte;
    }

    fn push(&mut self, body: &[u8], flags: u32) {
        let start = self.producer.get();
        let word = body.len() as u32 | flags;
        for (i, byte) in word.to_le_bytes().into_iter().chain([0; 4]).enumerate() {
            self.put(start.wrapping_add(i), byte);
        }
        for (i, byte) in body.iter().enumerate() {
            self.put(start.wrapping_add(8 + i), *byte);
        }
        let total = (body.len() + 8).next_multiple_of(8);
        self.producer.set(start.wrapping_add(total));
    }

    fn commit(&mut self, position: usize) {
        let at = (position & (self.bytes - 1)) + 3;
        let byte = self.data[at] & 0x7f;
        self.put(position + 3, byte);
    }

    fn drained(&self) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        drain(self, &mut Drained::default(), |record| {
            records.push(record.to_vec())
        })?;
        Ok(records)
    }
}

impl Memory for Fake {
    fn data_bytes(&self) -> usize {
        self.bytes
    }
    fn consumer_position(&self) -> usize {
        self.consumer.get()
    }
    fn producer_position(&self) -> usize {
        self.producer.get()
    }
    fn release(&self, position: usize) {
        self.consumer.set(position);
    }
    fn header(&self, offset: usize) -> Result<u32> {
        let word = self
            .data
            .get(offset..offset + 4)
            .and_then(|word| word.try_into().ok());
        word.map(u32::from_le_bytes)
            .ok_or_else(|| Error::malformed("header outside the data"))
    }
    fn data(&self, offset: usize, bytes: usize) -> Result<&[u8]> {
        let piece = self.data.get(offset..offset + bytes);
        piece.ok_or_else(|| Error::malformed("record outside the data"))
    }
}

#[test]
fn records_come_out_in_order_and_are_given_back() {
    let mut ring = Fake::starting_at(64, 0);
    ring.push(b"one", 0);
    ring.push(b"", 0);
    ring.push(b"eight by", 0);
    assert_eq!(ring.drained().unwrap(), [&b"one"[..], b"", b"eight by"]);
    assert_eq!(ring.consumer.get(), ring.producer.get());
    assert_eq!(pending_bytes(&ring), 0);
}

#[test]
fn a_record_across_the_end_is_one_piece() {
    for start in (0..64).step_by(8) {
        let mut ring = Fake::starting_at(64, start);
        ring.push(b"0123456789abcdefghij", 0);
        assert_eq!(ring.drained().unwrap(), [b"0123456789abcdefghij"]);
    }
}

#[test]
fn positions_survive_the_wrap_of_the_word() {
    let mut ring = Fake::starting_at(64, usize::MAX - 15);
    ring.push(b"before", 0);
    ring.push(b"after", 0);
    assert_eq!(ring.drained().unwrap(), [&b"before"[..], b"after"]);
    assert_eq!(ring.consumer.get(), 16);
}

#[test]
fn discarded_records_are_skipped_and_given_back() {
    let mut ring = Fake::starting_at(64, 0);
    ring.push(b"no", DISCARD_BIT);
    ring.push(b"yes", 0);
    let mut drained = Drained::default();
    drain(&ring, &mut drained, |record| assert_eq!(record, b"yes")).unwrap();
    let (records, bytes, discarded) = (1, 3, 1);
    assert_eq!(
        drained,
        Drained {
            records,
            bytes,
            discarded
        }
    );
    assert_eq!(pending_bytes(&ring), 0);
}

#[test]
fn a_busy_record_holds_back_the_ones_behind_it() {
    let mut ring = Fake::starting_at(64, 0);
    ring.push(b"slow", BUSY_BIT);
    ring.push(b"fast", 0);
    assert!(ring.drained().unwrap().is_empty());
    assert!(!is_ready(&ring));
    assert_eq!(pending_bytes(&ring), 32);
    ring.commit(0);
    assert!(is_ready(&ring));
    assert_eq!(ring.drained().unwrap(), [b"slow", b"fast"]);
}

#[test]
fn a_length_past_the_producer_is_an_error_and_moves_nothing() {
    let mut ring = Fake::starting_at(64, 0);
    ring.push(b"0123456789", 0);
    for (i, byte) in 0x3fff_ffff_u32.to_le_bytes().into_iter().enumerate() {
        ring.put(i, byte);
    }
    let error = ring.drained().unwrap_err();
    assert!(
        error.to_string().contains("1073741823 bytes at position 0"),
        "{error}"
    );
    assert_eq!(ring.consumer.get(), 0);
    assert!(is_ready(&ring), "the caller must not wait for ever");
}

#[test]
fn a_producer_too_far_ahead_is_an_error() {
    let ring = Fake::starting_at(64, 0);
    ring.producer.set(72);
    assert!(ring.drained().is_err());
    ring.producer.set(4);
    assert!(ring.drained().is_err());
}

#[test]
fn an_odd_consumer_position_is_an_error_not_a_panic() {
    let ring = Fake::starting_at(64, 61);
    ring.producer.set(61 + 64);
    assert!(ring.drained().is_err());
}

#[test]
fn a_producer_that_never_rests_does_not_hold_the_reader() {
    struct Endless(Cell<usize>);
    impl Memory for Endless {
        fn data_bytes(&self) -> usize {
            64
        }
        fn consumer_position(&self) -> usize {
            self.0.get()
        }
        fn producer_position(&self) -> usize {
            self.0.get().wrapping_add(8)
        }
        fn release(&self, position: usize) {
            self.0.set(position);
        }
        fn header(&self, _: usize) -> Result<u32> {
            Ok(0)
        }
        fn data(&self, _: usize, _: usize) -> Result<&[u8]> {
            Ok(&[])
        }
    }
    let mut drained = Drained::default();
    drain(&Endless(Cell::new(0)), &mut drained, |_| {}).unwrap();
    assert_eq!(drained.records, 8);
}
