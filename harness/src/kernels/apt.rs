//! apt as the fetcher: a private root, so that nothing of this machine's own
//! apt changes and no root is needed, with apt's signature checks as they are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Arch;
use super::archive::Archive;
use super::index::parse_packages;
use super::lock::Pin;
use super::mirror::Mirror;
use crate::progress::{Amount, Progress, Task};

/// Debian's keys; apt trusts nothing else in the private root.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// The archive as apt sees it, through a root of its own.
#[derive(Debug)]
pub struct Apt {
    root: PathBuf,
    mirror: Option<String>,
    /// What each suite had when it was asked in this process.
    known: BTreeMap<(Arch, String), Vec<Pin>>,
}

impl Apt {
    /// An archive whose files live in `root`. `mirror` overrides the machine's.
    /// Touches nothing before it is asked for something.
    pub fn new(root: PathBuf, mirror: Option<String>) -> Self {
        Self {
            root,
            mirror,
            known: BTreeMap::new(),
        }
    }

    /// Writes configuration and sources; holds the root's lock until dropped.
    /// apt itself would fail, not wait, when another process is at it.
    fn prepare(&self, arch: Arch, suites: &[String]) -> Result<Prepared> {
        let mirror = Mirror::find(self.mirror.as_deref())?;
        let keyring = KEYRINGS
            .iter()
            .find(|path| Path::new(path).exists())
            .context(
                "Debian's archive keys are missing on this machine: apt-get install \
             debian-archive-keyring",
            )?;
        let root = self
            .root
            .to_str()
            .filter(|root| !root.contains(['"', '\n', ';']));
        let root = root.with_context(|| {
            format!(
                "apt cannot work below {}: choose another XDG_CACHE_HOME",
                self.root.display()
            )
        })?;
        for folder in ["lists/partial", "cache/archives/partial", "state"] {
            let path = self.root.join(folder);
            fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        let lock = super::lockfile::exclusive(&self.root.join("lock"))?;
        let sources: String = suites
            .iter()
            .map(|suite| source_line(&mirror, suite, arch, keyring))
            .collect();
        for (name, text) in [
            ("sources.list", sources.as_str()),
            ("status", ""),
            ("apt.conf", configuration(root, arch).as_str()),
        ] {
            let path = self.root.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Prepared {
            config: self.root.join("apt.conf"),
            _lock: lock,
        })
    }
}

fn source_line(mirror: &Mirror, suite: &str, arch: Arch, keyring: &str) -> String {
    // A suite whose support has ended is signed for ever but dated no more.
    // The lock's sha256, not the date, says what is used.
    let uri = mirror.uri_of(suite);
    format!(
        "deb [arch={arch} target=Packages lang=none check-valid-until=no signed-by={keyring}] \
         {uri} {suite} main\n"
    )
}

/// Comes after this machine's own configuration, so a proxy set there holds,
/// and its hooks for the real apt do not. The sandbox user could not enter a
/// private cache folder; it only exists for root anyway.
fn configuration(root: &str, arch: Arch) -> String {
    format!(
        r#"Dir::State "{root}/state";
Dir::State::lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update;
#clear APT::Architectures;
#clear APT::Default-Release;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Update::Error-Mode "any";
APT::Get::List-Cleanup "false";
APT::Sandbox::User "root";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
"#
    )
}

#[derive(Debug)]
struct Prepared {
    config: PathBuf,
    _lock: File,
}

impl Prepared {
    fn apt_get(&self) -> Command {
        let mut command = Command::new("apt-get");
        command
            .arg("-c")
            .arg(&self.config)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// The fetched index of each suite: its name and its file.
    fn index_files(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut command = self.apt_get();
        command.args(["indextargets", "--format", "$(RELEASE)\t$(FILENAME)"]);
        let output = command.output().context("cannot run apt-get")?;
        ensure!(output.status.success(), "apt-get indextargets failed");
        let text = String::from_utf8(output.stdout)?;
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines
            .map(|(suite, file)| (suite.to_owned(), file.into()))
            .collect())
    }
}

/// Reads an index through apt's own helper, whatever it is compressed with.
fn read_index(file: &Path, suite: &str, arch: Arch) -> Result<Vec<Pin>> {
    let mut helper = Command::new("/usr/lib/apt/apt-helper")
        .arg("cat-file")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run /usr/lib/apt/apt-helper, which is part of apt")?;
    let text = helper.stdout.take().context("apt-helper has no output")?;
    let pins = parse_packages(BufReader::new(text), suite, arch);
    let status = helper.wait()?;
    ensure!(
        status.success(),
        "apt-helper cat-file {} failed",
        file.display()
    );
    pins
}

impl Archive for Apt {
    fn pins(&mut self, arch: Arch, suites: &[String], progress: &Progress) -> Result<Vec<Pin>> {
        let unknown = |suite: &&String| !self.known.contains_key(&(arch, (*suite).clone()));
        let missing: Vec<String> = suites.iter().filter(unknown).cloned().collect();
        if !missing.is_empty() {
            let task = progress.task("apt", Amount::Unknown);
            let names = missing.join(", ");
            task.step(format_args!("asking the mirror for its index of {names}"));
            let prepared = self.prepare(arch, &missing)?;
            let mut command = prepared.apt_get();
            command.args(["-q", "update"]);
            run(command, &self.root, || ()).with_context(|| {
                format!(
                    "cannot fetch the index of {names}; is the network there? Another mirror: \
                     --mirror URI or {}=URI",
                    super::mirror::MIRROR_VARIABLE
                )
            })?;
            for (suite, file) in prepared.index_files()? {
                let pins = read_index(&file, &suite, arch)?;
                self.known.insert((arch, suite), pins);
            }
            task.done(format_args!("index of {names} fetched and verified"));
        }
        let mut pins = Vec::new();
        for suite in suites {
            let known = self.known.get(&(arch, suite.clone()));
            pins.extend_from_slice(known.with_context(|| format!("apt has no suite {suite}"))?);
        }
        Ok(pins)
    }

    fn download(
        &mut self,
        arch: Arch,
        pin: &Pin,
        into: &Path,
        progress: &Progress,
    ) -> Result<PathBuf> {
        // The index is there: a pin to download comes from `pins`.
        let prepared = self.prepare(arch, std::slice::from_ref(&pin.suite))?;
        let series = super::Series::of_version(&pin.version)?;
        let task = progress.task(series.to_string(), Amount::Bytes(pin.size_bytes));
        let megabytes = pin.size_bytes as f64 / 1e6;
        task.step(format_args!("fetching {pin} ({megabytes:.1} MB)"));
        let mut command = prepared.apt_get();
        command.args([
            "-q",
            "download",
            &format!("{}={}", pin.package, pin.version),
        ]);
        command.current_dir(into);
        run(command, &self.root, || show_arrived(into, &task))
            .with_context(|| format!("cannot fetch {pin} from {}", pin.suite))?;
        task.done(format_args!("fetched {pin}"));
        only_deb_in(into)
    }
}

/// apt writes the package under its final name while it arrives.
fn show_arrived(folder: &Path, task: &Task) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = files.filter_map(|file| file.metadata().ok().map(|data| data.len()));
    task.set_position(sizes.sum());
}

fn only_deb_in(folder: &Path) -> Result<PathBuf> {
    let mut found = None;
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            ensure!(
                found.is_none(),
                "apt-get put more than one package into {}",
                folder.display()
            );
            found = Some(path);
        }
    }
    found.with_context(|| {
        format!(
            "apt-get said yes but left no package in {}",
            folder.display()
        )
    })
}

/// Runs `command`, calling `tick` while it works. What it says goes to a file
/// and becomes the error when it fails.
fn run(mut command: Command, folder: &Path, tick: impl Fn()) -> Result<()> {
    let log_path = folder.join("apt.log");
    let log =
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    command.stdout(log.try_clone()?).stderr(log);
    let mut child = command
        .spawn()
        .context("cannot run apt-get; it is part of Debian")?;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        tick();
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    File::open(&log_path)?
        .take(1 << 20)
        .read_to_string(&mut said)?;
    let complaints: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("E:") || line.starts_with("W:"))
        .collect();
    bail!("apt-get ended with {status}: {}", complaints.join(" "))
}
