//! One record, built by hand.

use trapline_harness::mutate::{Edit, Value, fields};
use trapline_sensors::abi::{self, Header, Wire};

/// The numbers of the initial namespaces: mnt, pid, net, user.
pub const INITIAL: (u32, u32, u32, u32) =
    (4_026_531_841, 4_026_531_836, 4_026_531_833, 4_026_531_837);

/// A process, in as far as the story needs it.
#[derive(Clone, Copy)]
pub struct Who {
    pub tgid: u32,
    pub tid: u32,
    pub ns_tgid: u32,
    pub start_ns: u64,
    pub group: u32,
    pub uids: [u32; 4],
    pub pid_ns: u32,
    pub exe: &'static [u8],
}

impl Who {
    pub const fn new(tgid: u32, start_ns: u64, exe: &'static [u8]) -> Self {
        Self {
            tgid,
            tid: tgid,
            ns_tgid: tgid,
            start_ns,
            group: 100,
            uids: [0; 4],
            pid_ns: INITIAL.1,
            exe,
        }
    }

    pub fn process_id(&self) -> u64 {
        self.start_ns ^ u64::from(self.tgid) << 42
    }
}

/// One record under construction.
pub struct Record {
    bytes: Vec<u8>,
    structure: &'static str,
}

impl Record {
    pub fn new(structure: &'static str, kind: u64) -> Self {
        let size = abi::structures()
            .iter()
            .find(|(name, _, _)| *name == structure)
            .map(|s| s.1);
        let bytes = vec![0; size.expect("a structure of event.h")];
        let mut record = Self { bytes, structure };
        record.set("header.kind", kind);
        record.set("header.format_version", u64::from(abi::FORMAT_VERSION));
        record
    }

    pub fn set(&mut self, field: &str, value: u64) {
        let found = fields(self.structure)
            .into_iter()
            .find(|known| known.name == field)
            .unwrap_or_else(|| panic!("{} has no {field}", self.structure));
        let value = Value::Number(value);
        self.bytes = (Edit::Number {
            at: found.at,
            value,
        })
        .apply(&self.bytes);
    }

    pub fn text(&mut self, field: &str, text: &[u8], flags: u16) {
        let at = if text.is_empty() { 0 } else { self.bytes.len() };
        self.set(&format!("{field}.offset_bytes"), at as u64);
        self.set(&format!("{field}.size_bytes"), text.len() as u64);
        self.set(&format!("{field}.flags"), u64::from(flags));
        self.bytes.extend(text);
    }

    /// Who acts, and the parent.
    pub fn people(mut self, process: &Who, parent: &Who) -> Self {
        self.person("process", process);
        self.person("parent", parent);
        self.text("exe", process.exe, 0);
        self.text("parent_exe", parent.exe, 0);
        self
    }

    /// Who is told in the place of who acts.
    pub fn nobody_but(mut self, owner: &Who) -> Self {
        self.person("process", owner);
        self.text("exe", b"", abi::TEXT_UNKNOWN);
        self.text("parent_exe", b"", abi::TEXT_UNKNOWN);
        self
    }

    fn person(&mut self, role: &str, who: &Who) {
        let [uid, euid, suid, fsuid] = who.uids.map(u64::from);
        for (name, value) in [
            ("process_id", who.process_id()),
            ("start_time_ns", who.start_ns),
            ("cgroup_id", 1),
            ("tgid", u64::from(who.tgid)),
            ("tid", u64::from(who.tid)),
            ("ns_tgid", u64::from(who.ns_tgid)),
            ("pgid", u64::from(who.group)),
            ("sid", 90),
            ("uid", uid),
            ("euid", euid),
            ("suid", suid),
            ("fsuid", fsuid),
            ("login_uid", u64::from(u32::MAX)),
            ("mnt_ns", u64::from(INITIAL.0)),
            ("pid_ns", u64::from(who.pid_ns)),
            ("net_ns", u64::from(INITIAL.2)),
            ("user_ns", u64::from(INITIAL.3)),
        ] {
            self.set(&format!("{role}.{name}"), value);
        }
    }

    /// The reader adds it.
    pub fn of_reader(mut self) -> Self {
        self.set("header.cpu", abi::CPU_READER.into());
        self
    }

    /// Whose number it takes: each CPU counts for itself.
    pub fn cpu(&self) -> u32 {
        Header::read(&self.bytes).expect("a header").cpu
    }

    pub fn at(mut self, time_ns: u64, sequence: u64) -> Vec<u8> {
        self.set("header.time_ns", time_ns);
        self.set("header.sequence", sequence);
        self.set("header.size_bytes", self.bytes.len() as u64);
        self.bytes
    }
}
