//! Where a workload plays and what it executes: a fresh folder, files in it, and programs as given to the kernel.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::failure::{Outcome, Tried};
use super::tiny::{self, Tiny};
use crate::sys::{birth, file};

/// What to execute: bytes as given to the kernel.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file name as given.
    pub path: CString,
    /// All arguments, the first included.
    pub argv: Vec<CString>,
    /// The whole environment.
    pub env: Vec<CString>,
    /// With `Some((fd, flags))` it is execveat(2).
    pub at: Option<(i32, i32)>,
    /// What the workload knows better than /proc shows it; it takes the place of what was seen.
    pub known: Vec<(&'static str, Value)>,
}

impl Program {
    /// A program with its own path as first argument, these further ones, and the workloads' fixed environment.
    ///
    /// # Errors
    /// A zero byte in a string.
    pub fn new(path: impl AsRef<Path>, further: &[&str]) -> Outcome<Self> {
        let path = c_path(path)?;
        let mut argv = vec![path.clone()];
        argv.extend(c_strings(further)?);
        let env = c_strings(&["PATH=/bin", "TRAPLINE=workload"])?;
        Ok(Self {
            path,
            argv,
            env,
            at: None,
            known: Vec::new(),
        })
    }

    /// Replaces all arguments.
    ///
    /// # Errors
    /// A zero byte in a string.
    pub fn argv(self, argv: &[&str]) -> Outcome<Self> {
        Ok(Self {
            argv: c_strings(argv)?,
            ..self
        })
    }

    /// Replaces the whole environment.
    ///
    /// # Errors
    /// A zero byte in a string.
    pub fn env(self, env: &[&str]) -> Outcome<Self> {
        Ok(Self {
            env: c_strings(env)?,
            ..self
        })
    }

    /// Makes it an execveat(2).
    #[must_use]
    pub fn at(self, fd: i32, flags: i32) -> Self {
        Self {
            at: Some((fd, flags)),
            ..self
        }
    }

    /// Adds a fact to say when it runs.
    #[must_use]
    pub fn known(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.known.push((key, value.into()));
        self
    }

    /// Becomes the program. Comes back only on failure.
    pub fn exec(&self) -> std::io::Error {
        let argv: Vec<_> = self.argv.iter().map(CString::as_c_str).collect();
        let env: Vec<_> = self.env.iter().map(CString::as_c_str).collect();
        match self.at {
            None => birth::execve(&self.path, &argv, &env),
            Some((fd, flags)) => birth::execveat(fd, &self.path, &argv, &env, flags),
        }
    }

    /// What was asked for, for the truth.
    #[must_use]
    pub fn said(&self, what: &str, pid: i32) -> Value {
        let mut fact = json!({"what": what, "pid": pid, "filename": self.path.to_string_lossy()});
        if let Some((fd, flags)) = self.at {
            fact["fd"] = json!(fd);
            fact["at_flags"] = json!(flags);
        }
        fact
    }
}

/// A workload's own folder below /tmp/w, made fresh and removed at the end.
#[derive(Debug)]
pub struct Scene {
    /// The folder.
    pub folder: PathBuf,
}

impl Scene {
    /// Makes the folder anew, with `prog`, the waiting tiny program, in it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(workload: &str) -> Outcome<Self> {
        let folder = Path::new("/tmp/w").join(workload);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).tried(format_args!("remove {}", folder.display()))?;
            }
            _ => {}
        }
        fs::create_dir_all(&folder).tried(format_args!("make {}", folder.display()))?;
        let scene = Self::enter(workload)?;
        scene.tiny("prog")?;
        Ok(scene)
    }

    /// Goes to the folder that is there.
    ///
    /// # Errors
    /// When it is not.
    pub fn enter(workload: &str) -> Outcome<Self> {
        let folder = Path::new("/tmp/w").join(workload);
        std::env::set_current_dir(&folder).tried("enter the workload's folder")?;
        Ok(Self { folder })
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program like [`Program::new`], named relative to the folder but given with its full path.
    ///
    /// # Errors
    /// A zero byte in a string.
    pub fn program(&self, name: &str, further: &[&str]) -> Outcome<Program> {
        Program::new(self.path(name), further)
    }

    /// Writes a file with these permissions, making its folders.
    ///
    /// # Errors
    /// What the file system says.
    pub fn file(&self, name: &str, bytes: &[u8], mode: u32) -> Outcome<PathBuf> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).tried(format_args!("make {}", parent.display()))?;
        }
        let write = || {
            fs::write(&path, bytes)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        };
        write().tried(format_args!("write {}", path.display()))?;
        Ok(path)
    }

    /// Writes the waiting tiny program under this name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn tiny(&self, name: &str) -> Outcome<PathBuf> {
        self.file(name, &tiny::elf(Tiny::Waits), 0o755)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn dir(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).tried(format_args!("make {}", path.display()))?;
        Ok(path)
    }

    /// Makes a symbolic link to a name in the folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn link(&self, target: &str, name: &str) -> Outcome<PathBuf> {
        let path = self.path(name);
        symlink(self.path(target), &path).tried(format_args!("link {}", path.display()))?;
        Ok(path)
    }

    /// Removes the folder with all in it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn strike(self) -> Outcome {
        std::env::set_current_dir("/").tried("leave the workload's folder")?;
        fs::remove_dir_all(&self.folder).tried(format_args!("remove {}", self.folder.display()))
    }
}

/// A path as the kernel takes it.
///
/// # Errors
/// A zero byte in it.
pub fn c_path(path: impl AsRef<Path>) -> Outcome<CString> {
    let path = path.as_ref();
    file::c_path(path).tried(path.display())
}

/// Strings as the kernel takes them.
///
/// # Errors
/// A zero byte in one of them.
pub fn c_strings(strings: &[&str]) -> Outcome<Vec<CString>> {
    strings
        .iter()
        .map(|string| CString::new(*string).tried(string))
        .collect()
}
