//! The policy file: what is watched, what of it is told, and who an isolated host may
//! talk to. `policy/example.toml` documents it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use trapline_loader::{Error, Result};
use trapline_sensors::Family;
use trapline_sensors::event::Strings;
use trapline_sensors::isolate::Rule;
use trapline_sensors::sensors::MountState;

use super::kinds;

mod toml;

use toml::{Mistake, Placed, Section};

/// Larger than any that people write.
const MOST_BYTES: u64 = 1 << 20;
const PAGE_BYTES: u32 = 4096;
const RING_MOST_BYTES: u32 = 1 << 30;
/// Of the world, to write; and that only owners may remove names from a folder.
const WORLD_WRITES: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// What a file says; what it does not say is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub families: Vec<Family>,
    pub kinds: Vec<&'static str>,
    pub exclude_pids: Vec<u32>,
    pub exclude_exes: Vec<String>,
    pub exclude_descendants: bool,
    pub mounts: Vec<Mount>,
    pub environment: Environment,
    pub payload_bytes: Option<u32>,
    pub loopback: bool,
    pub touch_window: Option<Duration>,
    pub touches: Option<u32>,
    pub ring_bytes: Option<u32>,
    pub wake_bytes: Option<u32>,
    pub allow: Vec<Rule>,
    pub dns: bool,
}

/// How much of the environment of new programs is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Nothing.
    None,
    /// The names of the variables.
    #[default]
    Names,
    /// Names and values, which may be secrets.
    Values,
}

impl Environment {
    /// Takes out of an environment what is not to be told.
    pub fn keep(self, env: &mut Strings) {
        match self {
            Self::Values => {}
            Self::None => env.list.clear(),
            Self::Names => {
                for variable in &mut env.list {
                    let end = variable.iter().position(|byte| *byte == b'=');
                    // What has no name is all value.
                    variable.truncate(end.unwrap_or(0));
                }
            }
        }
    }
}

/// What to do with some file systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub which: Which,
    pub state: MountState,
}

/// Which file systems.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one that is mounted there.
    At(String),
    /// All of this type.
    Type(String),
}

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// One that cannot be read, that others may write to, or that has a mistake, which
    /// is named with its line and column.
    pub fn read(path: &Path) -> Result<Self> {
        let io = |error: std::io::Error| Error::io(path, &error);
        let file = File::open(path).map_err(io)?;
        check_owner(path, &file)?;
        let mut text = String::new();
        file.take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(io)?;
        if text.len() as u64 > MOST_BYTES {
            let cause = format!("{}: longer than {MOST_BYTES} bytes", path.display());
            return Err(Error::invalid_input(cause));
        }
        Self::parse(&text)
            .map_err(|mistake| Error::invalid_input(format!("{}:{mistake}", path.display())))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// The first mistake, as `LINE:COLUMN: WHAT`.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::of(text).map_err(|mistake| mistake.told(text))
    }

    fn of(text: &str) -> Result<Self, Mistake> {
        let mut policy = Self::default();
        let mut document = Section::document(text)?;
        let families = document.texts("families")?.into_iter();
        let families = families.map(|name| name.made(|name| kinds::family(name)));
        policy.families = families.collect::<Result<_, _>>()?;
        let kinds = document.texts("kinds")?.into_iter();
        let kinds = kinds.map(|name| name.made(|name| kinds::kind(name)));
        policy.kinds = kinds.collect::<Result<_, _>>()?;
        policy.exclude(document.section("exclude")?)?;
        policy.mounts(document.section("mounts")?)?;
        policy.capture(document.section("capture")?)?;
        policy.dedup(document.section("dedup")?)?;
        policy.rings(document.section("rings")?)?;
        policy.isolate(document.section("isolate")?)?;
        document.end()?;
        Ok(policy)
    }

    fn exclude(&mut self, mut section: Section<'_>) -> Result<(), Mistake> {
        self.exclude_pids = section.numbers("pids")?;
        let exes = section.texts("exes")?.into_iter();
        self.exclude_exes = exes
            .map(|exe| exe.made(|exe| absolute(exe)))
            .collect::<Result<_, _>>()?;
        self.exclude_descendants = section.flag("descendants")?.unwrap_or_default();
        section.end()
    }

    fn mounts(&mut self, section: Section<'_>) -> Result<(), Mistake> {
        for (which, state) in section.entries()? {
            let which = match which.value.starts_with('/') {
                true => Which::At(which.value),
                false => Which::Type(which.value),
            };
            let state = one_of(
                state,
                &[
                    ("local", MountState::Local),
                    ("not_monitored", MountState::NotMonitored),
                    ("not_scannable", MountState::NotScannable),
                    ("scannable", MountState::Scannable),
                ],
            )?;
            self.mounts.push(Mount { which, state });
        }
        // A place says more than a type, and so has the last word.
        self.mounts
            .sort_by(|one, other| other.which.cmp(&one.which));
        Ok(())
    }

    fn capture(&mut self, mut section: Section<'_>) -> Result<(), Mistake> {
        if let Some(word) = section.text("environment")? {
            self.environment = one_of(
                word,
                &[
                    ("none", Environment::None),
                    ("names", Environment::Names),
                    ("values", Environment::Values),
                ],
            )?;
        }
        let bytes = section.number("payload_bytes", 0..=u32::MAX)?;
        self.payload_bytes = bytes.map(|bytes| bytes.value);
        self.loopback = section.flag("loopback")?.unwrap_or_default();
        section.end()
    }

    fn dedup(&mut self, mut section: Section<'_>) -> Result<(), Mistake> {
        let ms = section.number("touch_window_ms", 0..=86_400_000)?;
        self.touch_window = ms.map(|ms| Duration::from_millis(ms.value.into()));
        let touches = section.number("touches", 1..=1 << 24)?;
        self.touches = touches.map(|touches| touches.value);
        section.end()
    }

    fn rings(&mut self, mut section: Section<'_>) -> Result<(), Mistake> {
        let bytes = section.number("size_bytes", PAGE_BYTES..=RING_MOST_BYTES)?;
        let bytes = bytes.map(|bytes| {
            bytes.made(|bytes| match bytes.is_power_of_two() {
                true => Ok(*bytes),
                false => Err(format!("rings.size_bytes: {bytes} is no power of two")),
            })
        });
        self.ring_bytes = bytes.transpose()?;
        let wake = section.number("wake_bytes", 0..=RING_MOST_BYTES)?;
        self.wake_bytes = wake.map(|wake| wake.value);
        section.end()
    }

    fn isolate(&mut self, mut section: Section<'_>) -> Result<(), Mistake> {
        let rules = section.texts("allow")?.into_iter();
        let rules = rules.map(|rule| rule.made(|rule| rule.parse::<Rule>()));
        self.allow = rules.collect::<Result<_, _>>()?;
        self.dns = section.flag("dns")?.unwrap_or_default();
        section.end()
    }
}

/// A path from the root on.
///
/// # Errors
/// A sentence that says what is missing.
pub fn absolute(path: &str) -> Result<String, String> {
    match path.starts_with('/') {
        true => Ok(path.to_owned()),
        false => Err(format!("{path} is no absolute path, such as /usr/bin/make")),
    }
}

fn one_of<T: Copy>(word: Placed<String>, words: &[(&str, T)]) -> Result<T, Mistake> {
    word.made(|word| {
        let found = words.iter().find(|(known, _)| known == word);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
            format!("{word} is none of {}", known.join(", "))
        })
    })
}

/// Whoever may write the policy says what we do not see.
fn check_owner(path: &Path, file: &File) -> Result<()> {
    let metadata = file.metadata().map_err(|error| Error::io(path, &error))?;
    let refuse = |why: String| {
        let cause = format!("policy {}: {why}", path.display());
        Err(Error::invalid_input(cause))
    };
    if !metadata.is_file() {
        return refuse("it is no file".to_owned());
    }
    if metadata.mode() & WORLD_WRITES != 0 {
        return refuse("everybody may write it: chmod o-w".to_owned());
    }
    let is_trusted = |owner: u32| [0, started_as()].contains(&owner);
    if !is_trusted(metadata.uid()) {
        let owner = metadata.uid();
        return refuse(format!(
            "it belongs to user {owner}, neither root nor us: chown root"
        ));
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let of_folder = std::fs::metadata(folder).map_err(|error| Error::io(folder, &error))?;
    if of_folder.mode() & WORLD_WRITES != 0 && of_folder.mode() & STICKY == 0 {
        let folder = folder.display();
        return refuse(format!("everybody may replace it: chmod o-w {folder}"));
    }
    if !is_trusted(of_folder.uid()) {
        let (folder, owner) = (folder.display(), of_folder.uid());
        return refuse(format!(
            "user {owner}, neither root nor us, may replace it: chown root {folder}"
        ));
    }
    Ok(())
}

/// Who we were when we first read a policy: later we may be somebody who is to read it
/// and no more.
fn started_as() -> u32 {
    static UID: OnceLock<u32> = OnceLock::new();
    *UID.get_or_init(|| rustix::process::geteuid().as_raw())
}

#[cfg(test)]
#[path = "policy/tests.rs"]
mod tests;
