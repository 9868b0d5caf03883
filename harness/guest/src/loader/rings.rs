//! Cases about ring buffers and perf buffers.

use trapline_loader::ring::RingBuffer;

use super::triggers::set_domain_name;
use super::{Case, Outcome, Report, Stage};

pub(super) const CASES: &[Case] = &[Case {
    name: "ring_buffer",
    object: "ring_buffer",
    run: ring_buffer,
}];

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
