//! Cases that load sensors themselves, with options of their own, and judge what those
//! say where it is said: what is left out, the paths of a large random tree, random
//! operations on files and on sockets against a model of each, what a real build does,
//! what is sent through connections, when flows end, what is left of calls that never went
//! on, how often the reader is woken, and what a storm of operations loses.
//!
//! They take longer than a row may, so they are no rows; `cargo test --test
//! sensing` runs them.

mod build;
mod filters;
mod flows;
mod operations;
mod paths;
mod payload;
mod play;
mod sockets;
mod storm;
mod tree;
mod waiting;
mod wakes;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::event::{File, Kind};
use trapline_sensors::sensors::{Flavour, Options, Sensors};
use trapline_sensors::{Decoder, Event, Family, Item};

use super::stage::Failure;
use super::{Case, Outcome, Report, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "sensing_build_fentry",
        object: None,
        run: |stage| build::build(stage, Flavour::Fentry),
    },
    Case {
        name: "sensing_build_kprobe",
        object: None,
        run: |stage| build::build(stage, Flavour::Kprobe),
    },
    Case {
        name: "sensing_filters_fentry",
        object: None,
        run: |stage| filters::filters(stage, Flavour::Fentry),
    },
    Case {
        name: "sensing_filters_kprobe",
        object: None,
        run: |stage| filters::filters(stage, Flavour::Kprobe),
    },
    Case {
        name: "sensing_flows",
        object: None,
        run: flows::flows,
    },
    Case {
        name: "sensing_operations",
        object: None,
        run: operations::operations,
    },
    Case {
        name: "sensing_paths",
        object: None,
        run: paths::paths,
    },
    Case {
        name: "sensing_payload",
        object: None,
        run: payload::payload,
    },
    Case {
        name: "sensing_sockets",
        object: None,
        run: sockets::sockets,
    },
    Case {
        name: "sensing_storm",
        object: None,
        run: storm::storm,
    },
    Case {
        name: "sensing_storm_lost",
        object: None,
        run: storm::storm_lost,
    },
    Case {
        name: "sensing_waiting_fentry",
        object: None,
        run: |stage| waiting::waiting(stage, Flavour::Fentry),
    },
    Case {
        name: "sensing_waiting_kprobe",
        object: None,
        run: |stage| waiting::waiting(stage, Flavour::Kprobe),
    },
    Case {
        name: "sensing_wakes",
        object: None,
        run: wakes::wakes,
    },
];

/// Where they play.
const FOLDER: &str = "/tmp/sensing";

/// The file sensors, and whoever reads what they say.
struct Listening {
    sensors: Sensors,
    decoder: Decoder,
}

/// One thing that was heard.
enum Heard {
    /// So many records of a CPU are missing here.
    Lost { cpu: u32, records: u64 },
    /// Somebody did something.
    Event(Box<Event>),
}

impl Listening {
    fn begin(
        kernel: &mut KernelBtf,
        flavour: Flavour,
        set: impl FnOnce(&mut Options),
    ) -> Result<Self, Failure> {
        let mut options = Options::default();
        options.families = &[Family::File];
        set(&mut options);
        Ok(Self {
            sensors: Sensors::load_on(kernel, flavour, &options)?,
            decoder: Decoder::new(),
        })
    }

    /// All that is there now.
    fn hear(&mut self) -> Result<Vec<Heard>, Failure> {
        let mut heard = Vec::new();
        let mut wrong = None;
        let decoder = &mut self.decoder;
        self.sensors
            .consume(|record| match decoder.decode(record) {
                Ok(items) => heard.extend(items.into_iter().map(|item| match item {
                    Item::Lost { cpu, records, .. } => Heard::Lost { cpu, records },
                    Item::Event(event) => Heard::Event(event),
                })),
                Err(error) => wrong = Some(Failure::other("decode a record", error)),
            })?;
        wrong.map_or(Ok(heard), Err)
    }

    /// What was done in our folder since, each as `create NAME [flags]`, with the last name
    /// of the path.
    fn all_said(&mut self) -> Result<Vec<String>, Failure> {
        let heard = self.hear()?;
        let files = heard.iter().filter_map(|heard| match heard {
            Heard::Event(event) => file_of(event),
            Heard::Lost { .. } => None,
        });
        let ours = files.filter(|file| file.path.bytes.starts_with(FOLDER.as_bytes()));
        Ok(ours.filter_map(said).collect())
    }
}

fn file_of(event: &Event) -> Option<&File> {
    match &event.kind {
        Kind::File(file) => Some(file),
        _ => None,
    }
}

fn said(file: &File) -> Option<String> {
    let path = String::from_utf8_lossy(&file.path.bytes);
    let name = path.rsplit('/').next()?;
    let operation = file.operation.name().strip_prefix("file_")?;
    let flags: Vec<&str> = file.flags.names().collect();
    Some(match flags.is_empty() {
        true => format!("{operation} {name}"),
        false => format!("{operation} {name} [{}]", flags.join(", ")),
    })
}
