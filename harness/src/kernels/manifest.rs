//! What a cache entry holds, and whether it still does.
//!
//! Every use hashes every file again. It costs about 50 ms a kernel where the
//! processor has SHA instructions; size and time would miss the very damage
//! that this is for: a disk that lies, a file edited in place and touched back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the manifest in its entry.
pub const MANIFEST: &str = "manifest.json";
/// Rises when entries of older versions of this program are of no use.
const LAYOUT: u32 = 1;
/// A manifest lists a handful of files.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The manifest of one unpacked kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    layout: u32,
    /// Package and version, for people.
    pub package: String,
    /// Debian version.
    pub version: String,
    /// sha256 of the package with the modules, where they come from one of their own.
    #[serde(default)]
    pub modules_sha256: Option<String>,
    /// `uname -r`.
    pub release: String,
    /// The modules that were asked for.
    pub wanted_modules: Vec<String>,
    /// The spare modules that were asked for.
    #[serde(default)]
    pub wanted_spare_modules: Vec<String>,
    /// File names of modules in load order.
    pub modules: Vec<String>,
    /// File names of the spare modules in load order, after the others.
    #[serde(default)]
    pub spare_modules: Vec<String>,
    /// sha256 by file name, of every file but the packages and the manifest.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// A manifest of the files that are in `folder` now, but for `except`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn describe(folder: &Path, except: &[&str]) -> Result<Self> {
        let mut files = BTreeMap::new();
        for file in fs::read_dir(folder)? {
            let name = file?.file_name().into_string();
            let name = name.ok().context("a file name is not UTF-8")?;
            if !except.contains(&name.as_str()) && name != MANIFEST {
                let sha256 = sha256_of(&folder.join(&name))?;
                files.insert(name, sha256);
            }
        }
        Ok(Self {
            layout: LAYOUT,
            package: String::new(),
            version: String::new(),
            modules_sha256: None,
            release: String::new(),
            wanted_modules: Vec::new(),
            wanted_spare_modules: Vec::new(),
            modules: Vec::new(),
            spare_modules: Vec::new(),
            files,
        })
    }

    /// Reads the manifest in `folder`; `None` when there is no entry at all.
    ///
    /// # Errors
    /// When it is damaged or of another layout.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        if !folder.exists() {
            return Ok(None);
        }
        let file = File::open(folder.join(MANIFEST)).context("it has no readable manifest")?;
        let bytes = super::deb::read_bounded(file, MAX_MANIFEST_BYTES).context("its manifest")?;
        let manifest: Self = serde_json::from_slice(&bytes).context("its manifest is damaged")?;
        let layout = manifest.layout;
        ensure!(
            layout == LAYOUT,
            "its layout is {layout}, this version writes {LAYOUT}"
        );
        Ok(Some(manifest))
    }

    /// Writes the manifest into `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Hashes every file in `folder` and compares.
    ///
    /// # Errors
    /// When a file is missing or has other content; the error names it.
    pub fn verify(&self, folder: &Path) -> Result<()> {
        for module in self.modules.iter().chain(&self.spare_modules) {
            ensure!(
                self.files.contains_key(module),
                "its manifest has no sha256 of {module}"
            );
        }
        for (name, expected) in &self.files {
            let mut parts = Path::new(name).components();
            let plain = matches!(
                (parts.next(), parts.next()),
                (Some(Component::Normal(_)), None)
            );
            ensure!(plain, "its manifest lists `{name}`, which is no file name");
            let actual = sha256_of(&folder.join(name))?;
            if actual != *expected {
                bail!("{name} has sha256 {actual}, it was {expected} when unpacked");
            }
        }
        Ok(())
    }
}

/// The sha256 of a file in lowercase hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(format!("{:x}", hasher.finalize())),
                count => hasher.update(&buffer[..count]),
            }
        }
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}
