//! Cases about ring buffers and perf buffers.

use std::time::Duration;

use trapline_loader::object::Object;
use trapline_loader::ring::{PerfBuffer, PerfOptions, Reader, Readers, RingBuffer, UserRingBuffer};

use super::stage::Failure;
use super::triggers::set_domain_name;
use super::{Case, Outcome, Report, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "ring_buffer",
        object: Some("ring_buffer"),
        run: ring_buffer,
    },
    Case {
        name: "ring_losses",
        object: Some("ring_losses"),
        run: ring_losses,
    },
    Case {
        name: "ring_wakeups",
        object: Some("ring_losses"),
        run: ring_wakeups,
    },
    Case {
        name: "perf_buffer",
        object: Some("perf_buffer"),
        run: perf_buffer,
    },
    Case {
        name: "user_ring_buffer",
        object: Some("user_ringbuf"),
        run: user_ring_buffer,
    },
];

/// How long records may take to come where they must come.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

/// Three records, each with the number that the program gave it.
fn ring_buffer(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut ring = RingBuffer::new(object.map("ring")?)?;
    let _link = object.program("on_setdomainname")?.attach()?;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        set_domain_name()?;
        ring.consume(|record| numbers.push(record.try_into().map(u64::from_le_bytes).ok()))?;
    }
    let right = (0..).zip(&numbers).filter(|(n, got)| **got == Some(*n));
    let lost = stage.hits(&object)?.abs_diff(numbers.len() as u64);
    let right = (right.count() as u64).saturating_sub(lost);
    Ok(Report::checked("consume", 3, right))
}

/// Two buffers in one wait, one of them too small: what it lost is told, and with
/// what it received makes what was sent.
fn ring_losses(stage: &mut Stage<'_>) -> Outcome {
    const CALLS: u64 = 300;
    let object = stage.load()?;
    let small = RingBuffer::new(object.map("small")?)?.with_loss_counter(object.map("lost")?)?;
    let mut readers = Readers::new();
    let small = readers.add(small)?;
    let large = readers.add(RingBuffer::new(object.map("large")?)?)?;
    if readers.poll(Some(Duration::ZERO))? {
        return Err(Failure::Other("ready before anything was sent".to_owned()));
    }
    let _link = object.program("on_setdomainname")?.attach()?;
    for _ in 0..CALLS {
        set_domain_name()?;
    }
    if !readers.poll(PATIENCE)? {
        return Err(Failure::Other("records did not wake the reader".to_owned()));
    }
    let mut next = [0u64; 2];
    let mut in_order = true;
    readers.consume(|place, record| {
        in_order &= record == next[place].to_le_bytes();
        next[place] += 1;
    })?;
    let counts = readers.counts()?;
    let lost = counts[small].lost_records.unwrap_or_default();
    let whole = counts[large].received_records == CALLS && counts[large].lost_records.is_none();
    if !in_order || !whole || lost == 0 {
        let said = format!(
            "in order: {in_order}, lost {lost}, large {:?}",
            counts[large]
        );
        return Err(Failure::Other(said));
    }
    let accounted = counts[small].received_records + lost;
    Ok(Report::checked("epoll", CALLS, accounted))
}

/// Thousands of records while the reader sleeps and wakes: one wake-up that is
/// missed, and the reader sleeps its patience out.
fn ring_wakeups(stage: &mut Stage<'_>) -> Outcome {
    const CALLS: u64 = 3_000;
    let object = stage.load()?;
    let mut ring = RingBuffer::new(object.map("large")?)?;
    let _link = object.program("on_setdomainname")?.attach()?;
    let sender = std::thread::spawn(|| (0..CALLS).try_for_each(|_| set_domain_name()));
    let mut received = 0;
    while received < CALLS && ring.poll(PATIENCE)? {
        received += ring.consume(|_| {})? as u64;
    }
    let sent = sender.join();
    sent.map_err(|_| Failure::Other("the sender panicked".to_owned()))??;
    Ok(Report::checked("poll", CALLS, received))
}

/// Records of all processors in order, and the kernel's count of those that a
/// page had no room for.
fn perf_buffer(stage: &mut Stage<'_>) -> Outcome {
    const CALLS: u64 = 200;
    let object = stage.load()?;
    let options = PerfOptions {
        pages_per_cpu: 1,
        ..PerfOptions::default()
    };
    let mut buffer = PerfBuffer::new(object.map("records")?, &options)?;
    let _link = object.program("on_setdomainname")?.attach()?;
    for _ in 0..CALLS {
        set_domain_name()?;
    }
    if !buffer.poll(PATIENCE)? {
        return Err(Failure::Other("records did not wake the reader".to_owned()));
    }
    let mut numbers = Vec::new();
    // The kernel tells a loss with the next record that finds room.
    buffer.consume(|record| numbers.push(number(record)))?;
    set_domain_name()?;
    buffer.poll(PATIENCE)?;
    buffer.consume(|record| numbers.push(number(record)))?;
    let counts = buffer.counts()?;
    let lost = counts.lost_records.unwrap_or_default();
    let in_order = numbers.is_sorted() && counts.late_records == 0;
    if !in_order || lost == 0 || numbers.len() as u64 != counts.received_records {
        return Err(Failure::Other(format!("{counts:?}: {numbers:?}")));
    }
    let sent = stage.hits(&object)?;
    Ok(Report::checked(
        "perf",
        sent,
        counts.received_records + lost,
    ))
}

/// The number in a record, which the kernel has padded.
fn number(record: &[u8]) -> Option<u64> {
    let number = record.first_chunk()?;
    Some(u64::from_le_bytes(*number))
}

/// Records to a program until the buffer is full, then again once it is drained;
/// one that is given up does not arrive.
fn user_ring_buffer(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut ring = UserRingBuffer::new(object.map("commands")?)?;
    let _link = object.program("on_setdomainname")?.attach()?;
    let mut sent = fill(&mut ring)?;
    set_domain_name()?;
    drained(stage, &object, sent)?;
    ring.reserve(8)?.discard();
    sent += fill(&mut ring)?;
    set_domain_name()?;
    let received = drained(stage, &object, sent)?;
    Ok(Report::checked("drain", sent, received))
}

/// Sends until there is no room, and says how many records there were.
fn fill(ring: &mut UserRingBuffer) -> Result<u64, Failure> {
    for sent in 0.. {
        match ring.send(&1u64.to_le_bytes()) {
            Ok(()) => {}
            Err(error) if error.errno() == Some(libc::ENOSPC) => return Ok(sent),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(0)
}

/// How many records the program has read by now; they must be as many as were
/// sent.
fn drained(stage: &Stage<'_>, object: &Object, sent: u64) -> Result<u64, Failure> {
    match stage.hits(object)? {
        read if read == sent && sent > 200 => Ok(read),
        read => Err(Failure::Other(format!("{read} records read of {sent}"))),
    }
}
