//! The paths of a random tree, byte for byte against readlink(2): names of any
//! bytes, depths past 256, lengths past 4096, several mounts, one of them taken
//! away, another mount namespace; folders that move while we are below, links, and
//! files without a name.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use trapline_sensors::abi;
use trapline_sensors::event::Text;
use trapline_sensors::sensors::Flavour;

use super::super::stage::{Failure, Tried};
use super::tree::{Random, Tree, link_of};
use super::{FOLDER, Heard, Listening, Outcome, Report, Stage, file_of};
use crate::sys::space;

const SEED: u64 = 0x7472_6170;
/// What is done in each flavour: the walk is the same in both.
const STEPS: [(Flavour, usize); 2] = [(Flavour::Fentry, 10_000), (Flavour::Kprobe, 1_000)];
/// Often enough that the ring never fills.
const HEAR_EVERY: usize = 100;

pub(super) fn paths(stage: &mut Stage<'_>) -> Outcome {
    let mut right = 0;
    for (number, (flavour, steps)) in STEPS.into_iter().enumerate() {
        let mut walk = Walk::begin(stage, flavour, SEED + number as u64)?;
        for step in 0..steps {
            walk.step = step;
            let done = walk.one_step();
            done.map_err(|error| walk.failed("do it", error))?;
            if step % HEAR_EVERY == 0 || step + 1 == steps {
                walk.compare()?;
            }
        }
        walk.all_heard()?;
        right += walk.right;
    }
    Ok(Report::checked("fentry, kprobe", right, right))
}

/// What an event must say.
struct Expected {
    step: usize,
    operation: &'static str,
    path: Vec<u8>,
    other: Option<Vec<u8>>,
    marks: u16,
}

struct Walk {
    listening: Listening,
    _home: File,
    seed: u64,
    random: Random,
    tree: Tree,
    step: usize,
    /// So many folders more, each in the one before, of names of so many bytes at most.
    dig: (usize, usize),
    /// A file and its folder, to be linked or deleted.
    last: Option<(usize, Vec<u8>)>,
    expected: VecDeque<Expected>,
    right: u64,
}

impl Walk {
    fn begin(stage: &mut Stage<'_>, flavour: Flavour, seed: u64) -> Result<Self, Failure> {
        let folder = format!("{FOLDER}.paths.{}", flavour.name());
        let at = |name: &str| format!("{folder}/{name}");
        let mount = |source: &str, name: &str, flags| {
            let source = CString::new(at(source)).map_err(io::Error::from)?;
            let target = CString::new(at(name)).map_err(io::Error::from)?;
            space::bind_or_mount(&source, &target, c"tmpfs", flags)
        };
        for name in ["plain", "mounted", "bound", "gone", "elsewhere"] {
            fs::create_dir_all(at(name)).tried(name)?;
        }
        mount("none", "mounted", 0).tried("mount")?;
        fs::create_dir(at("mounted/nested")).tried("mkdir")?;
        mount("none", "mounted/nested", 0).tried("mount inside")?;
        mount("plain", "bound", libc::MS_BIND).tried("bind")?;
        mount("none", "gone", 0).tried("mount")?;
        let mut tree = Tree::default();
        let mut add = |name: &str, marks| {
            let open = File::open(at(name)).tried(name)?;
            tree.add_root(open, marks).tried(name)
        };
        for name in ["plain", "mounted", "mounted/nested", "bound"] {
            add(name, 0)?;
        }
        let gone = File::open(at("gone")).tried("gone")?;
        let place = CString::new(at("gone"))
            .map_err(io::Error::from)
            .tried("gone")?;
        space::unmount(&place).tried("unmount")?;
        let mut listening = Listening::begin(stage.kernel(), flavour, |_| {})?;
        // The sensors know the namespace that they were loaded from. It has to stay: with its
        // last user its mounts would be taken apart.
        let home = File::open("/proc/self/ns/mnt").tried("hold the namespace")?;
        space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
        add("elsewhere", abi::TEXT_FOREIGN)?;
        tree.add_root(gone, abi::TEXT_UNREACHABLE).tried("gone")?;
        listening.hear()?;
        Ok(Self {
            listening,
            _home: home,
            seed,
            random: Random::new(seed),
            tree,
            step: 0,
            dig: (0, 0),
            last: None,
            expected: VecDeque::new(),
            right: 0,
        })
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> Failure {
        let (seed, step) = (self.seed, self.step);
        Failure::Other(format!(
            "seed {seed:#x} step {step}: {what}: {error}\n\
             replay, in a guest: trapline-guest loader-case sensing_paths"
        ))
    }

    fn expect(&mut self, folder: usize, operation: &'static str, path: Vec<u8>, marks: u16) {
        self.expect_both(folder, operation, path, None, marks);
    }

    fn expect_both(
        &mut self,
        folder: usize,
        operation: &'static str,
        path: Vec<u8>,
        other: Option<Vec<u8>>,
        marks: u16,
    ) {
        let marks = marks | self.tree.folders[folder].marks;
        self.expected.push_back(Expected {
            step: self.step,
            operation,
            path,
            other,
            marks,
        });
    }

    fn one_step(&mut self) -> io::Result<()> {
        if self.dig.0 > 0 {
            return self.make_folder();
        }
        match self.random.below(100) {
            0..70 => self.make_file(),
            70..87 => self.make_folder(),
            87 => {
                // Down: many short names, or few long ones.
                self.dig = match self.random.below(2) {
                    0 => (300, 2),
                    _ => (20, 255),
                };
                self.make_folder()
            }
            88..92 => self.rename_folder(),
            92..96 => self.link_file(),
            _ => self.delete_open_file(),
        }
    }

    fn make_file(&mut self) -> io::Result<()> {
        let folder = self.tree.pick(&mut self.random);
        let bytes = self.random.name_bytes();
        let name = self.random.name(bytes);
        let file = match File::create_new(self.tree.within(folder, &name)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            other => other?,
        };
        let model = self.tree.path(folder, &name);
        let path = shown(&file, model)?;
        self.expect(folder, "file_create", path, 0);
        self.last = Some((folder, name));
        Ok(())
    }

    fn make_folder(&mut self) -> io::Result<()> {
        let parent = match self.dig.0 {
            0 => self.tree.pick(&mut self.random),
            _ => self.tree.latest(&mut self.random),
        };
        let bytes = match self.dig {
            (0, _) => self.random.name_bytes(),
            (_, most) => 1 + self.random.below(most),
        };
        self.dig.0 = self.dig.0.saturating_sub(1);
        let name = self.random.name(bytes);
        let place = match self.tree.make(parent, name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            other => other?,
        };
        let path = self.path_of(place)?;
        self.expect(place, "file_create", path, 0);
        Ok(())
    }

    fn rename_folder(&mut self) -> io::Result<()> {
        let place = self.tree.pick(&mut self.random);
        let old = self.tree.path_of(place);
        // Long enough that nothing is in the way.
        let name = self.random.name(20);
        if self.tree.rename(place, name)? {
            let new = self.path_of(place)?;
            self.expect_both(place, "file_rename", new, Some(old), 0);
        }
        Ok(())
    }

    fn link_file(&mut self) -> io::Result<()> {
        let Some((from, old)) = self.last.clone() else {
            return Ok(());
        };
        let to = self.tree.pick(&mut self.random);
        let is_same_root = self.tree.folders[from].root == self.tree.folders[to].root;
        if !is_same_root || !self.tree.is_held(from) {
            return Ok(());
        }
        let name = self.random.name(20);
        fs::hard_link(self.tree.within(from, &old), self.tree.within(to, &name))?;
        let path = self.tree.path(to, &name);
        let other = self.tree.path(from, &old);
        self.expect_both(to, "file_link", path, Some(other), 0);
        Ok(())
    }

    /// Its path is that of the name which is gone.
    fn delete_open_file(&mut self) -> io::Result<()> {
        let Some((folder, name)) = self.last.take() else {
            return Ok(());
        };
        if !self.tree.is_held(folder) {
            return Ok(());
        }
        let place = self.tree.within(folder, &name);
        let mut file = File::options().append(true).open(&place)?;
        fs::remove_file(&place)?;
        let model = self.tree.path(folder, &name);
        self.expect(folder, "file_delete", model.clone(), 0);
        file.write_all(b"x")?;
        let path = shown_deleted(&file, model)?;
        self.expect(folder, "file_write", path.clone(), abi::TEXT_DELETED);
        drop(file);
        self.expect(folder, "file_close_write", path, abi::TEXT_DELETED);
        Ok(())
    }

    fn path_of(&self, folder: usize) -> io::Result<Vec<u8>> {
        let model = self.tree.path_of(folder);
        match self.tree.shown(folder) {
            Some(shown) => agreed(shown, model),
            None => Ok(model),
        }
    }

    /// What has been said until now, against what must be.
    fn compare(&mut self) -> Result<(), Failure> {
        let own = std::process::id();
        for heard in self.listening.hear()? {
            let event = match heard {
                Heard::Event(event) => event,
                Heard::Lost { records, .. } => {
                    return Err(self.failed("listen", format!("{records} records lost")));
                }
            };
            let Some(file) = file_of(&event).filter(|_| event.process.tgid == own) else {
                continue;
            };
            let Some(expected) = self.expected.pop_front() else {
                let what = format!("{} of nothing", file.operation.name());
                return Err(self.failed(&what, text(&file.path)));
            };
            self.step = expected.step;
            let operation = file.operation.name();
            let is_other = |other: &Vec<u8>| is_told(&file.other_path, other, 0);
            let is_right = operation == expected.operation
                && is_told(&file.path, &expected.path, expected.marks)
                && expected.other.as_ref().is_none_or(is_other);
            if !is_right {
                let (path, other) = (text(&file.path), text(&file.other_path));
                let should = String::from_utf8_lossy(
                    &expected.path[expected.path.len().saturating_sub(80)..],
                )
                .into_owned();
                let before = expected.other.as_deref().map(String::from_utf8_lossy);
                return Err(self.failed(
                    operation,
                    format!(
                        "{path} from {other}; it was {} {should:?} ({} bytes) from {before:?}, \
                         marks {:#x}",
                        expected.operation,
                        expected.path.len(),
                        expected.marks,
                    ),
                ));
            }
            self.right += 1 + u64::from(expected.other.is_some());
        }
        Ok(())
    }

    fn all_heard(&self) -> Result<(), Failure> {
        match self.expected.front() {
            None => Ok(()),
            Some(left) => Err(self.failed("listen", format!("no event of step {}", left.step))),
        }
    }
}

/// Whether a text is this path: whole if there is room, else its end, cut where a name begins.
/// `marks` of 0 leave out what the other path of an event has of them.
fn is_told(text: &Text, path: &[u8], marks: u16) -> bool {
    const NAME_BYTES: usize = 256;
    let flags = text.flags.0;
    let places = abi::TEXT_FOREIGN | abi::TEXT_UNREACHABLE | abi::TEXT_DELETED;
    // One that is cut has not come to the top, where it shows which namespace that is.
    let is_cut = flags & abi::TEXT_CUT_FRONT != 0;
    let is_marked = match is_cut {
        true => (flags ^ marks) & abi::TEXT_DELETED == 0,
        false => flags & places == marks || marks == 0 && flags & abi::TEXT_DELETED == 0,
    };
    let odd = flags & !(places | abi::TEXT_CUT_FRONT);
    let is_path = if flags & abi::TEXT_CUT_FRONT == 0 {
        text.bytes == path
    } else {
        let is_full = text.bytes.len() + NAME_BYTES > abi::PATH_BYTES;
        path.len() > abi::PATH_BYTES && path.ends_with(&text.bytes) && is_full
    };
    is_path && is_marked && odd == 0
}

fn text(text: &Text) -> String {
    let flags: Vec<&str> = text.flags.names().collect();
    let tail = text.bytes.len().saturating_sub(80);
    let bytes = String::from_utf8_lossy(&text.bytes[tail..]);
    format!(
        "{bytes:?} ({} bytes) [{}]",
        text.bytes.len(),
        flags.join(", ")
    )
}

/// The path that readlink(2) shows, which has to be that of the model; where it has no room for it
/// the model's.
fn shown(file: &File, model: Vec<u8>) -> io::Result<Vec<u8>> {
    match fs::read_link(link_of(file)) {
        Ok(link) => agreed(link.into_os_string().into_vec(), model),
        Err(error) if error.raw_os_error() == Some(libc::ENAMETOOLONG) => Ok(model),
        Err(error) => Err(error),
    }
}

fn shown_deleted(file: &File, model: Vec<u8>) -> io::Result<Vec<u8>> {
    let marked = shown(file, [&*model, b" (deleted)"].concat())?;
    let bare = marked.strip_suffix(b" (deleted)").map(<[u8]>::to_vec);
    bare.ok_or_else(|| io::Error::other("readlink shows it as not deleted"))
}

fn agreed(shown: Vec<u8>, model: Vec<u8>) -> io::Result<Vec<u8>> {
    if shown == model {
        return Ok(shown);
    }
    let (shown, model) = (OsStr::from_bytes(&shown), OsStr::from_bytes(&model));
    Err(io::Error::other(format!(
        "readlink {shown:?}, our own {model:?}"
    )))
}
