use super::*;
use core::cell::Cell;

struct Fake {
    data: Vec<u8>,
    head: Cell<u64>,
    tail: Cell<u64>,
}

impl Fake {
    fn starting_at(bytes: usize, position: u64) -> Self {
        Self {
            data: vec![0; bytes],
            head: Cell::new(position),
            tail: Cell::new(position),
        }
    }

    fn push(&mut self, kind: u32, body: &[u8]) {
        let size = (8 + body.len()).next_multiple_of(8) as u32;
        let words = [kind, size << 16];
        let head = words.into_iter().flat_map(u32::to_ne_bytes);
        let record: Vec<u8> = head.chain(body.iter().copied()).collect();
        for (i, byte) in record.iter().enumerate() {
            let at = (self.head.get() as usize + i) % self.data.len();
            self.data[at] = *byte;
        }
        self.head.set(self.head.get() + u64::from(size));
    }

    fn sample(&mut self, time_ns: u64, bytes: &[u8]) {
        let mut body = time_ns.to_ne_bytes().to_vec();
        body.extend((bytes.len() as u32).to_ne_bytes());
        body.extend(bytes);
        self.push(RECORD_SAMPLE, &body);
    }

    fn all(&self) -> Result<Vec<String>> {
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        while let Some((record, behind)) =
            next(self, self.head.get(), self.tail.get(), true, &mut scratch)?
        {
            out.push(match record {
                Record::Sample { time_ns, bytes } => {
                    format!("{time_ns} {}", String::from_utf8_lossy(bytes))
                }
                Record::Lost(count) => format!("lost {count}"),
                Record::Other => "other".to_owned(),
            });
            self.tail.set(behind);
        }
        Ok(out)
    }
}

impl Memory for Fake {
    fn data_bytes(&self) -> usize {
        self.data.len()
    }
    fn data(&self, offset: usize) -> &[u8] {
        &self.data[offset..]
    }
}

#[test]
fn samples_losses_and_others_come_in_order() {
    let mut buffer = Fake::starting_at(128, 0);
    buffer.sample(7, b"one.");
    buffer.push(
        RECORD_LOST,
        &[1u64.to_ne_bytes(), 42u64.to_ne_bytes()].concat(),
    );
    buffer.push(5, b"throttle");
    buffer.sample(8, b"");
    assert_eq!(buffer.all().unwrap(), ["7 one.", "lost 42", "other", "8 "]);
    assert_eq!((buffer.head.get(), buffer.tail.get()), (88, 88));
}

#[test]
fn a_record_across_the_end_is_put_together() {
    for start in (0..64).step_by(8) {
        let mut buffer = Fake::starting_at(64, start);
        buffer.sample(1, b"0123456789abcdef");
        assert_eq!(buffer.all().unwrap(), ["1 0123456789abcdef"]);
    }
}

#[test]
fn sizes_that_no_kernel_writes_are_errors_not_panics() {
    for size in [0u32, 4, 9, 16, 80, 0xffff] {
        let mut buffer = Fake::starting_at(64, 0);
        buffer.sample(1, b"four");
        buffer.data[4..8].copy_from_slice(&(size << 16).to_ne_bytes());
        assert!(buffer.all().is_err(), "{size}");
    }
    let mut buffer = Fake::starting_at(64, 0);
    buffer.push(RECORD_LOST, b"");
    assert!(buffer.all().is_err());
    let mut long = Fake::starting_at(64, 0);
    long.sample(1, b"four");
    long.data[16..20].copy_from_slice(&5u32.to_ne_bytes());
    assert!(long.all().is_err());
}

#[test]
fn positions_that_no_kernel_writes_are_errors() {
    for (head, tail) in [(72, 0), (4, 0), (16, 3)] {
        let buffer = Fake::starting_at(64, 0);
        buffer.head.set(head);
        buffer.tail.set(tail);
        assert!(buffer.all().is_err(), "{head} {tail}");
    }
}
