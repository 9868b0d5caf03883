//! The reading end of BPF_MAP_TYPE_PERF_EVENT_ARRAY: one buffer for each
//! processor, read as one.

use super::perf_drain::{self, Memory, Record};
use super::sealed::Wake;
use super::{Counts, Reader, wait};
use crate::error::{Error, Result, ResultExt};
use crate::map::{Map, UpdateFlag};
use crate::sys;
use core::time::Duration;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// BPF_MAP_TYPE_PERF_EVENT_ARRAY.
const MAP_TYPE_PERF_EVENT_ARRAY: u32 = 4;

/// How to open a [`PerfBuffer`].
#[derive(Clone, Copy, Debug)]
pub struct PerfOptions {
    /// Pages of data for each processor, a power of two.
    pub pages_per_cpu: usize,
    /// Records after which the reader is woken; 1 wakes it for each.
    pub wakeup_records: u32,
    /// Hand records out in the order in which they were made, over all
    /// processors, not processor by processor. Each then carries eight bytes
    /// more, and one that is made while [`PerfBuffer::consume`] runs waits for
    /// the next call.
    ///
    /// A record that a processor was still writing when its buffer was looked
    /// at can come after a later one of another processor; such records are
    /// counted in [`Counts::late_records`]. Kernel: 4.1
    pub ordered: bool,
}

impl Default for PerfOptions {
    fn default() -> Self {
        Self {
            pages_per_cpu: 64,
            wakeup_records: 1,
            ordered: true,
        }
    }
}

/// The reading end of a perf event array: what kernels before 5.8 have instead
/// of a ring buffer. A program sends with `bpf_perf_event_output` and
/// BPF_F_CURRENT_CPU.
///
/// Covers the processors that are up when it is opened.
#[derive(Debug)]
pub struct PerfBuffer {
    name: String,
    cpus: Vec<Cpu>,
    epoll: sys::Epoll,
    ordered: bool,
    counts: Counts,
    last_time_ns: u64,
    scratch: Vec<u8>,
}

/// One processor's buffer. The memory goes before the event.
#[derive(Debug)]
struct Cpu {
    memory: sys::PerfMapping,
    _event: std::os::fd::OwnedFd,
    /// What was written when this round began.
    head: u64,
    /// The time of the record that is next, where it is known and of this round.
    next_time_ns: Option<u64>,
}

impl PerfBuffer {
    /// Opens a buffer for every processor that is up and puts it into `map`.
    ///
    /// # Errors
    /// `InvalidInput` for a map of another type or a number of pages that is no
    /// power of two; what the kernel says otherwise (EPERM, also where
    /// `perf_event_mlock_kb` is too low; ENOMEM).
    ///
    /// Kernel: 4.4
    pub fn new(map: &Map, options: &PerfOptions) -> Result<Self> {
        Self::open(map, options).with_context(|| format!("perf buffer {}", map.name()))
    }

    fn open(map: &Map, options: &PerfOptions) -> Result<Self> {
        if map.map_type() != MAP_TYPE_PERF_EVENT_ARRAY {
            let cause = format!("map type {} is no perf event array", map.map_type());
            return Err(Error::invalid_input(cause));
        }
        if !options.pages_per_cpu.is_power_of_two() {
            let cause = format!("{} pages are no power of two", options.pages_per_cpu);
            return Err(Error::invalid_input(cause));
        }
        let numbers = sys::online_cpus().map_err(|errno| errno.error("online CPUs"))?;
        let epoll = sys::Epoll::new().map_err(|errno| errno.error("epoll"))?;
        let mut cpus = Vec::with_capacity(numbers.len());
        for number in numbers {
            if number >= map.max_entries() {
                let cause = format!("the map has no element for CPU {number}");
                return Err(Error::invalid_input(cause));
            }
            let cpu = Cpu::open(map, number, options, &epoll);
            cpus.push(cpu.with_context(|| format!("CPU {number}"))?);
        }
        Ok(Self {
            name: map.name().to_owned(),
            cpus,
            epoll,
            ordered: options.ordered,
            counts: Counts {
                lost_records: Some(0),
                ..Counts::default()
            },
            last_time_ns: 0,
            scratch: Vec::new(),
        })
    }

    /// Hands every finished record to `each` and returns how many there were.
    /// Never waits, and looks at each processor's buffer once, so that it ends
    /// even if more keeps coming.
    ///
    /// The kernel pads a record, so it can be up to seven bytes longer than what
    /// the program sent. Its memory is given back when `each` returns from it.
    ///
    /// # Errors
    /// `Malformed` when sizes or positions are not such as a kernel writes; the
    /// buffer cannot be read any further then.
    pub fn consume(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize> {
        let consumed = match self.ordered {
            true => self.consume_ordered(&mut each),
            false => self.consume_each(&mut each),
        };
        consumed.with_context(|| format!("perf buffer {}", self.name))
    }

    fn consume_each(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let before = self.counts.received_records;
        for cpu in &mut self.cpus {
            cpu.head = cpu.memory.head();
            let (memory, scratch) = (&cpu.memory, &mut self.scratch);
            while let Some((record, behind)) =
                perf_drain::next(memory, cpu.head, memory.tail(), false, scratch)?
            {
                take(&mut self.counts, &record, each);
                memory.release(behind);
            }
        }
        Ok((self.counts.received_records - before) as usize)
    }

    /// Merges what all processors had made when this began.
    fn consume_ordered(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let before = self.counts.received_records;
        // What is stamped later than this may have earlier companions on
        // processors that were looked at first.
        let until_ns = sys::monotonic_ns();
        for index in 0..self.cpus.len() {
            self.cpus[index].head = self.cpus[index].memory.head();
            self.look(index, until_ns)?;
        }
        loop {
            let times = self.cpus.iter().enumerate();
            let times = times.filter_map(|(index, cpu)| Some((cpu.next_time_ns?, index)));
            let Some((time_ns, index)) = times.min() else {
                break;
            };
            let cpu = &self.cpus[index];
            let memory = &cpu.memory;
            if let Some((record, behind)) =
                perf_drain::next(memory, cpu.head, memory.tail(), true, &mut self.scratch)?
            {
                self.counts.late_records += u64::from(time_ns < self.last_time_ns);
                self.last_time_ns = self.last_time_ns.max(time_ns);
                take(&mut self.counts, &record, each);
                memory.release(behind);
            }
            self.look(index, until_ns)?;
        }
        Ok((self.counts.received_records - before) as usize)
    }

    /// Finds the time of a processor's next sample, and takes what is no sample
    /// out of the way.
    fn look(&mut self, index: usize, until_ns: u64) -> Result<()> {
        let cpu = &mut self.cpus[index];
        cpu.next_time_ns = None;
        let memory = &cpu.memory;
        while let Some((record, behind)) =
            perf_drain::next(memory, cpu.head, memory.tail(), true, &mut self.scratch)?
        {
            if let Record::Sample { time_ns, .. } = record {
                cpu.next_time_ns = Some(time_ns).filter(|time_ns| *time_ns <= until_ns);
                break;
            }
            take(&mut self.counts, &record, &mut |_| {});
            memory.release(behind);
        }
        Ok(())
    }

    /// Waits until there is a finished record: `false` when `timeout` was over
    /// first. `None` waits for ever; zero only looks.
    ///
    /// # Errors
    /// `System` with the errno of epoll_wait; a signal is no error.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        wait::poll(&self.epoll, timeout, || self.is_ready())
            .with_context(|| format!("perf buffer {}", self.name))
    }
}

impl PerfBuffer {
    /// Bytes that were written and not yet consumed, of all processors.
    pub fn pending_bytes(&self) -> usize {
        let memories = self.cpus.iter().map(|cpu| &cpu.memory);
        let pending = memories.map(|memory| memory.head().wrapping_sub(memory.tail()));
        pending.sum::<u64>() as usize
    }

    /// The size of all processors' buffers in bytes.
    pub fn capacity_bytes(&self) -> usize {
        let memories = self.cpus.iter().map(|cpu| &cpu.memory);
        memories.map(sys::PerfMapping::data_bytes).sum()
    }
}

/// Accounts for a record, and hands it out if it is one of a program's.
fn take(counts: &mut Counts, record: &Record<'_>, each: &mut dyn FnMut(&[u8])) {
    match record {
        Record::Sample { bytes, .. } => {
            each(bytes);
            counts.received_records += 1;
            counts.received_bytes += bytes.len() as u64;
        }
        Record::Lost(count) => {
            let lost = counts.lost_records.get_or_insert(0);
            *lost = lost.saturating_add(*count);
        }
        Record::Other => {}
    }
}

impl Cpu {
    fn open(map: &Map, number: u32, options: &PerfOptions, epoll: &sys::Epoll) -> Result<Self> {
        let event = sys::perf_event_open_output(&sys::PerfOutput {
            cpu: number,
            wakeup_records: options.wakeup_records.max(1),
            with_time: options.ordered,
        });
        let event = event.map_err(|errno| errno.error("perf_event_open"))?;
        let memory = sys::PerfMapping::new(event.as_fd(), options.pages_per_cpu);
        let memory = memory.map_err(|errno| errno.error("mmap"))?;
        let fd = event.as_raw_fd();
        map.update(&number.to_ne_bytes(), &fd.to_ne_bytes(), UpdateFlag::Any)?;
        let enabled = sys::perf_event_ioc_enable(event.as_fd());
        enabled.map_err(|errno| errno.error("PERF_EVENT_IOC_ENABLE"))?;
        let added = epoll.add_level_triggered(event.as_fd());
        added.map_err(|errno| errno.error("epoll"))?;
        Ok(Self {
            memory,
            _event: event,
            head: 0,
            next_time_ns: None,
        })
    }
}

impl Reader for PerfBuffer {
    fn name(&self) -> &str {
        &self.name
    }

    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        self.consume(each)
    }

    fn is_ready(&self) -> bool {
        let mut memories = self.cpus.iter().map(|cpu| &cpu.memory);
        memories.any(|memory| memory.head() != memory.tail())
    }

    fn counts(&self) -> Result<Counts> {
        Ok(Counts {
            pending_bytes: self.pending_bytes() as u64,
            ..self.counts
        })
    }
}

impl Wake for PerfBuffer {
    fn take_wakeup(&self) -> Result<()> {
        wait::take_wakeup(&self.epoll, &self.name)
    }
}

/// Readable when records may have come, for an event loop of the caller's.
impl AsFd for PerfBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Memory for sys::PerfMapping {
    fn data_bytes(&self) -> usize {
        self.data_bytes()
    }

    fn data(&self, offset_bytes: usize) -> &[u8] {
        self.data(offset_bytes)
    }
}
