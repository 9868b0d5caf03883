//! The guest's side of the recording: frames, numbered, checked, digested.
//!
//! It knows the shape in harness/RECORDING.md and where the port is. It does
//! not know what the payloads mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The name of the virtio-serial port that the host reads.
const PORT: &str = "trapline.records";
const MAGIC: &[u8; 4] = b"TLF1";
const PAYLOAD_MAX_BYTES: usize = 1 << 20;
/// Frames gather up to this size: each write to the port stops the virtual CPU.
const GATHER_BYTES: usize = 32 << 10;

/// What a frame is; the numbers are those of harness/RECORDING.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who runs: nonce and kernel.
    Hello = 1,
    /// Sensors are loaded and attached.
    Sensors = 2,
    /// A workload begins.
    Workload = 3,
    /// One ring buffer record.
    Event = 4,
    /// What a workload says it did.
    Truth = 5,
    /// A workload has ended.
    Done = 6,
    /// A cost in executed instructions.
    Measure = 7,
    /// Something the guest could not do.
    Failure = 8,
    /// The recording is complete.
    End = 9,
    /// Sensors are about to be unloaded: what they counted in all.
    Unloaded = 10,
    /// What the loader did with one case.
    Case = 11,
    /// What is about to be judged.
    Verifying = 12,
    /// What became of an object or a program that was judged.
    Verified = 13,
}

/// A stream of frames; one process writes it, in order.
pub struct Frames {
    out: Box<dyn Write>,
    gathered: Vec<u8>,
    number: u32,
    digest: Sha256,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Frames {
    /// Opens the port named `trapline.records`, waiting for it until the
    /// deadline: a port appears a moment after its driver.
    ///
    /// # Errors
    /// `TimedOut` when there is no such port in time, or the error of opening it.
    pub fn open(patience: Duration) -> io::Result<Self> {
        let port = wait_for_port(PORT, patience)?;
        let file = OpenOptions::new().write(true).open(port)?;
        Ok(Self::new(file))
    }

    /// Writes frames to anything; the file on a port must be a blocking one.
    pub fn new(out: impl Write + 'static) -> Self {
        Self {
            out: Box::new(out),
            gathered: Vec::with_capacity(GATHER_BYTES * 2),
            number: 0,
            digest: Sha256::new(),
        }
    }

    /// Appends a frame whose payload is `value` as one JSON object.
    ///
    /// All kinds but `event` and `truth` reach the host at once, so that it
    /// knows where the guest was when it fell silent.
    ///
    /// # Errors
    /// The error of the port, or `InvalidData` for a payload over 1 MiB.
    pub fn json(&mut self, kind: Kind, value: &impl Serialize) -> io::Result<()> {
        let payload = serde_json::to_vec(value)?;
        self.push(kind, &payload)?;
        if kind == Kind::Truth {
            Ok(())
        } else {
            self.flush()
        }
    }

    /// Appends a frame with one ring buffer record.
    ///
    /// # Errors
    /// The error of the port, or `InvalidData` for a record over 1 MiB.
    pub fn event(&mut self, record: &[u8]) -> io::Result<()> {
        self.push(Kind::Event, record)
    }

    /// Tells the host that the guest could not do something; the run fails.
    ///
    /// # Errors
    /// The error of the port.
    pub fn failure(&mut self, what: &str, error: &dyn std::fmt::Display) -> io::Result<()> {
        let error = format!("{error:#}");
        self.json(
            Kind::Failure,
            &serde_json::json!({ "what": what, "error": error }),
        )
    }

    /// Ends the recording with its count and digest.
    ///
    /// # Errors
    /// The error of the port.
    pub fn end(mut self) -> io::Result<()> {
        let frames = self.number;
        let sha256 = hex(&self.digest.clone().finalize());
        self.json(
            Kind::End,
            &serde_json::json!({ "frames": frames, "sha256": sha256 }),
        )
    }

    /// Hands everything gathered to the host.
    ///
    /// # Errors
    /// The error of the port.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.gathered)?;
        self.gathered.clear();
        self.out.flush()
    }

    /// Writes bytes that are no frame: only a fault does that.
    ///
    /// # Errors
    /// The error of the port.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(bytes);
        self.flush()
    }

    fn push(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        let frame = encode(self.number, kind, payload)?;
        self.number += 1;
        self.digest.update(&frame);
        self.gathered.extend_from_slice(&frame);
        if self.gathered.len() >= GATHER_BYTES {
            self.flush()?;
        }
        Ok(())
    }
}

/// One frame as bytes.
///
/// # Errors
/// `InvalidData` for a payload over 1 MiB.
pub fn encode(number: u32, kind: Kind, payload: &[u8]) -> io::Result<Vec<u8>> {
    if payload.len() > PAYLOAD_MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "a {kind:?} payload of {} bytes is over 1 MiB",
                payload.len()
            ),
        ));
    }
    let mut frame = Vec::with_capacity(payload.len() + 20);
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(&number.to_le_bytes());
    frame.extend_from_slice(&(kind as u16).to_le_bytes());
    frame.extend_from_slice(&[0; 2]);
    frame.extend_from_slice(payload);
    let crc32 = crc32fast::hash(&frame);
    frame.extend_from_slice(&crc32.to_le_bytes());
    Ok(frame)
}

/// Waits for a virtio-serial port by name and says which device it is.
///
/// # Errors
/// `TimedOut` when no port has that name in time.
pub fn wait_for_port(name: &str, patience: Duration) -> io::Result<PathBuf> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(device) = find_port(name) {
            return Ok(device);
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no virtio port is named {name} after {patience:?}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Looks in sysfs, whose folder does not exist before the driver does.
fn find_port(name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir("/sys/class/virtio-ports").ok()?.flatten() {
        let found = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        let device = Path::new("/dev").join(entry.file_name());
        if found.trim_end() == name && device.exists() {
            return Some(device);
        }
    }
    None
}

/// The sha256 of a file, as 64 hexadecimal digits, read piece by piece.
///
/// # Errors
/// The error of reading it.
pub fn sha256_of_file(path: &str) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut File::open(path)?, &mut digest)?;
    Ok(hex(&digest.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_laid_out_as_the_recording_page_says() {
        let frame = encode(7, Kind::Event, b"abc").expect("a small frame");
        assert_eq!(&frame[..4], b"TLF1");
        assert_eq!(frame[4..8], 3u32.to_le_bytes());
        assert_eq!(frame[8..12], 7u32.to_le_bytes());
        assert_eq!(frame[12..16], [4, 0, 0, 0]);
        assert_eq!(&frame[16..19], b"abc");
        assert_eq!(frame[19..], crc32fast::hash(&frame[..19]).to_le_bytes());
    }

    #[test]
    fn a_payload_over_one_mebibyte_is_refused() {
        assert!(encode(0, Kind::Event, &vec![0; PAYLOAD_MAX_BYTES]).is_ok());
        assert!(encode(0, Kind::Event, &vec![0; PAYLOAD_MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn a_missing_port_is_reported_by_name_when_patience_ends() {
        let error = wait_for_port("no.such.port", Duration::ZERO).expect_err("no such port");
        assert!(error.to_string().contains("no.such.port"), "{error}");
    }
}
