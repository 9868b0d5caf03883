use super::*;
use crate::recording::{Done, Hello, Status, Workload as Begun};
use trapline_sensors::abi::{self, Exit};

const ROOT: u32 = 7;

/// An end of this process, in which almost everything else is nothing.
fn exit(tgid: u32, sequence: u64) -> Frame {
    let mut exit = Exit::default();
    exit.header.size_bytes = Exit::SIZE as u32;
    exit.header.kind = abi::KIND_EXIT;
    exit.header.format_version = abi::FORMAT_VERSION;
    exit.header.time_ns = 1000 + sequence;
    exit.header.sequence = sequence;
    exit.process.tgid = tgid;
    exit.process.process_id = tgid.into();
    exit.parent.process_id = 1000 + u64::from(tgid);
    let mut record = Vec::new();
    exit.write(&mut record);
    Frame::Event(record)
}

fn recording(tgids: &[u32]) -> Recording {
    let begun = |flavour: &str| Begun {
        family: "process".into(),
        name: "fork".into(),
        flavour: flavour.into(),
        root_tgid: ROOT,
    };
    let done = Frame::Done(Done {
        name: "fork".into(),
        status: Status::Exit(0),
        elapsed_ns: 1,
        sent: tgids.len() as u64,
        received: tgids.len() as u64,
        lost: BTreeMap::new(),
        poorer: BTreeMap::new(),
        missed: BTreeMap::new(),
    });
    let mut frames = vec![Frame::Workload(begun("kprobe")), done.clone()];
    frames.push(Frame::Workload(begun("fentry")));
    frames.extend(tgids.iter().zip(5..).map(|(tgid, seq)| exit(*tgid, seq)));
    frames.push(done);
    let hello = Hello {
        nonce: String::new(),
        release: String::new(),
        machine: String::new(),
        version: String::new(),
        cpus: 1,
        btf_sha256: String::new(),
    };
    Recording { hello, frames }
}

/// Time, number and tgid of every record, and how many the guest counts.
type Seen = (Vec<(u64, u64, u32)>, u64);

fn seen(frames: &[Frame]) -> Seen {
    let mut all = (Vec::new(), 0);
    for frame in frames {
        match frame {
            Frame::Event(record) => {
                let exit = Exit::read(record).unwrap();
                let (time_ns, number) = (exit.header.time_ns, exit.header.sequence);
                all.0.push((time_ns, number, exit.process.tgid));
            }
            Frame::Done(done) => all.1 = done.received,
            _ => {}
        }
    }
    all
}

fn with(scene: &Scene, fault: Fault) -> Option<Seen> {
    let name = String::new();
    let frames = scene.with(&Bug { name, fault }, 0)?;
    Some(seen(&frames))
}

#[test]
fn a_scene_is_of_one_flavour_and_holds_only_its_own_records() {
    let scenes = scenes(&recording(&[9, ROOT, 9, ROOT]), "fentry");
    assert_eq!(scenes.len(), 1);
    let own = (vec![(1006, 0, ROOT), (1008, 1, ROOT)], 2);
    assert_eq!(seen(&scenes[0].frames), own);
}

#[test]
fn what_is_dropped_or_doubled_leaves_no_gap_in_numbers_or_counts() {
    let scene = &scenes(&recording(&[ROOT, ROOT]), "fentry")[0];
    let single = |slip| Fault::Single {
        scene: 0,
        place: 1,
        slip,
    };
    let (one, other) = ((1005, 0, ROOT), (1006, 1, ROOT));
    let dropped = with(scene, single(Slip::Dropped));
    assert_eq!(dropped, Some((vec![one], 1)));
    let doubled = with(scene, single(Slip::Doubled));
    assert_eq!(doubled, Some((vec![one, other, (1006, 2, ROOT)], 3)));
    let kind = abi::KIND_EXIT;
    assert_eq!(with(scene, Fault::Dropped(kind)), Some((vec![], 0)));
    assert_eq!(
        with(scene, Fault::Doubled(kind)).map(|seen| seen.1),
        Some(4)
    );
    assert_eq!(with(scene, Fault::Dropped(abi::KIND_FORK)), None);
}

#[test]
fn records_that_are_swapped_keep_the_order_of_times_and_numbers() {
    let mut scene = scenes(&recording(&[ROOT, ROOT]), "fentry").remove(0);
    scene.frames[1] = exit(9, 0);
    let swap = |place| Fault::Single {
        scene: 0,
        place,
        slip: Slip::Swapped,
    };
    let (records, _) = with(&scene, swap(0)).unwrap();
    assert_eq!(records, [(1000, 0, ROOT), (1006, 1, 9)]);
    assert_eq!(with(&scene, swap(1)), None);
}
