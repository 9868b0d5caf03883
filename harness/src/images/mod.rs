//! The initramfs: what a guest finds when its kernel starts.
//!
//! The base holds everything that boots share: the guest's binary and the
//! kernel's modules. It is cached by the hash of its bytes.
//! What one boot alone needs, its plan, is a second small archive behind it.

pub mod cpio;
pub mod guest;
pub mod libraries;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::host;
use crate::kernels::cache_folder;
use cpio::Archive;

/// Builds the base image for a guest binary and modules in load order, or finds
/// it in the cache.
///
/// # Errors
/// A sentence that says which file is missing.
pub fn base(guest_binary: &Path, modules: &[PathBuf]) -> Result<PathBuf, String> {
    let image = assemble(guest_binary, modules)?;
    let digest: String = Sha256::digest(&image)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = cache_folder()
        .map_err(|error| format!("{error:#}"))?
        .join("initramfs");
    let path = folder.join(format!("{digest}.cpio"));
    // The name is the hash of the content and files arrive whole, so one of the
    // right size is the right one.
    let cached = fs::metadata(&path).is_ok_and(|meta| meta.len() == image.len() as u64);
    if !cached {
        host::write_whole(&path, &image)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        forget_old(&folder);
    }
    Ok(path)
}

/// A file that one boot alone finds in its guest.
#[derive(Debug, Clone)]
pub struct Extra {
    /// Its path in the guest.
    pub path: String,
    /// Its content.
    pub content: Arc<[u8]>,
    /// Its permissions: 0o644, or 0o755 for a program.
    pub mode: u32,
}

/// Modules as the guest finds them: one folder, and in it their list in load order.
///
/// # Errors
/// A sentence that says which file cannot be read.
pub fn modules(folder: &str, modules: &[PathBuf]) -> Result<Vec<Extra>, String> {
    let (mut files, mut list) = (Vec::new(), String::new());
    for module in modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("modules/{folder}/{name}");
        list.push_str(&format!("/{path}\n"));
        let content = read(module)?.into();
        files.push(Extra {
            path,
            content,
            mode: 0o644,
        });
    }
    files.push(Extra {
        path: format!("modules/{folder}/list"),
        content: Arc::from(list.into_bytes()),
        mode: 0o644,
    });
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Writes a run's image: the base and, behind it, the plan and other files.
///
/// # Errors
/// A sentence that says which file could not be copied or written.
pub fn with_plan(base: &Path, plan: &[u8], extra: &[Extra], image: &Path) -> Result<(), String> {
    let mut tree = Tree::default();
    tree.archive.file("plan.json", 0o644, plan);
    for file in extra {
        tree.add(file);
    }
    let archive = tree.archive;
    fs::copy(base, image)
        .and_then(|_| fs::OpenOptions::new().append(true).open(image))
        .and_then(|mut file| file.write_all(&archive.finish()))
        .map_err(|error| format!("cannot write {}: {error}", image.display()))
}

/// Every change to the guest makes another base; keep only the latest few.
fn forget_old(folder: &Path) {
    const KEPT: usize = 24;
    let mut images: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    images.sort();
    let old = images.len().saturating_sub(KEPT);
    for (_, path) in images.into_iter().take(old) {
        let _ = fs::remove_file(path);
    }
}

fn assemble(guest_binary: &Path, modules: &[PathBuf]) -> Result<Vec<u8>, String> {
    let mut tree = Tree::default();
    // The kernel opens the console for process 1 before anything is mounted.
    tree.parents("dev/console");
    tree.archive.character_device("dev/console", 0o600, 5, 1);
    tree.archive.character_device("dev/null", 0o666, 1, 3);
    for folder in ["proc", "sys", "tmp", "run", "mnt", "root", "etc"] {
        tree.parents(&format!("{folder}/x"));
    }
    tree.copy(guest_binary, "trapline-guest")?;
    tree.archive.symlink("init", "/trapline-guest");

    for file in self::modules("first", modules)? {
        tree.add(&file);
    }
    Ok(tree.archive.finish())
}

/// An archive that knows which folders it has.
#[derive(Default)]
struct Tree {
    archive: Archive,
    folders: Vec<String>,
}

impl Tree {
    /// Adds the folders above `path` that are not there yet.
    fn parents(&mut self, path: &str) {
        let path = path.trim_start_matches('/');
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if !self.folders.iter().any(|known| known == folder) {
                self.archive.directory(folder, 0o755);
                self.folders.push(folder.to_owned());
            }
        }
    }

    fn add(&mut self, file: &Extra) {
        self.parents(&file.path);
        self.archive.file(&file.path, file.mode, &file.content);
    }

    fn copy(&mut self, from: &Path, to: &str) -> Result<(), String> {
        let content = read(from)?;
        self.parents(to);
        self.archive.file(to, 0o755, &content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_inputs_make_the_same_image_and_other_inputs_another() {
        let me = std::env::current_exe().expect("the test's own path");
        let one = assemble(&me, &[]).expect("the test itself is there");
        assert_eq!(one, assemble(&me, &[]).expect("again"));
        let other = assemble(&me, std::slice::from_ref(&me)).expect("with a module");
        assert_ne!(one, other);
    }

    #[test]
    fn a_missing_module_is_named() {
        let me = std::env::current_exe().expect("the test's own path");
        let error = assemble(&me, &["/no/such.ko".into()]).expect_err("no such file");
        assert!(error.contains("/no/such.ko"), "{error}");
    }
}
