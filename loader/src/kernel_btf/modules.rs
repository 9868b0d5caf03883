//! Modules' types: asked for only what the kernel itself has not.

use super::{KernelBtf, file};
use crate::btf::{Kind, Kinds, Split, Target, Wanted};
use crate::error::{Error, Result, ResultExt};
use crate::sys;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a kernel shows its types and those of its modules.
const FOLDER: &str = "/sys/kernel/btf";
/// The kernel's own file there.
const VMLINUX: &str = "vmlinux";

/// The types of one module.
#[derive(Debug)]
pub(super) struct Module {
    name: String,
    target: Target<'static>,
    /// Opened when a program needs it; one for all programs.
    fd: Option<Arc<OwnedFd>>,
}

/// A type, and the module that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// BTF id.
    pub(crate) id: u32,
    /// Index of the module, none for the kernel itself.
    pub(crate) module: Option<usize>,
}

impl KernelBtf {
    /// Adds the types of a module from a file that was made on top of this
    /// kernel's: raw BTF, or the module itself.
    ///
    /// # Errors
    /// `Malformed` for what is no BTF; what the kernel says otherwise.
    ///
    /// Kernel: 5.11
    pub fn add_module(&mut self, name: &str, path: impl Into<PathBuf>) -> Result<()> {
        let path = path.into();
        let source = file::open(&path);
        let base = self.target()?;
        let target = source.and_then(|source| Target::of_module(source, base));
        let target = target.with_context(|| format!("module BTF {}", path.display()))?;
        self.modules.get_or_insert_default().push(Module {
            name: name.to_owned(),
            target,
            fd: None,
        });
        Ok(())
    }

    /// Prepares the modules' types for these names: those of all modules, or of
    /// the one that is named.
    ///
    /// # Errors
    /// Those of the kernel's own BTF. Modules that cannot be read are left out.
    pub(crate) fn prepare_modules(&mut self, wanted: &[Wanted], only: Option<&str>) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        self.find_modules()?;
        let (Some(target), Some(modules)) = (&self.target, &mut self.modules) else {
            return Ok(());
        };
        let is_asked = |module: &Module| only.is_none_or(|only| module.name == only);
        if !modules.iter().any(is_asked) {
            return Ok(());
        }
        let shared = target.shared_strings(wanted)?;
        for module in modules.iter_mut().filter(|module| is_asked(module)) {
            // Nothing is found in one whose types make no sense.
            let _ = module.target.prepare_module(wanted, &shared);
        }
        Ok(())
    }

    /// The modules of the running kernel, listed once.
    fn find_modules(&mut self) -> Result<()> {
        self.target()?;
        let (Some(target), None, true) = (&self.target, &self.modules, self.is_running()) else {
            return Ok(());
        };
        let folder = Path::new(FOLDER);
        let names = sys::names_in(folder).unwrap_or_default();
        let names = names.into_iter().filter(|name| name != VMLINUX);
        let open = |name: String| {
            let source = file::open(&folder.join(&name)).ok()?;
            let target = Target::of_module(source, target).ok()?;
            let fd = None;
            Some(Module { name, target, fd })
        };
        self.modules = Some(names.filter_map(open).collect());
        Ok(())
    }

    /// The first type of each kind and name: in the kernel itself or else in a
    /// module, where a name is `MODULE:NAME` in that module.
    ///
    /// # Errors
    /// As [`Target::find`].
    pub(crate) fn places(&mut self, names: &[(Kind, &str)]) -> Result<Vec<Option<Place>>> {
        let own = names.iter().map(|&(kind, name)| own_name(kind, name));
        let own: Vec<_> = own.collect();
        let asked: Vec<_> = own.iter().flatten().copied().collect();
        let mut found = self.target()?.find(&asked)?.into_iter();
        let first = |own: &Option<_>| {
            let ids = own.as_ref().and_then(|_| found.next())?;
            ids.first().copied()
        };
        let ids: Vec<Option<u32>> = own.iter().map(first).collect();
        // All that is missing at once; what is asked of one module comes later.
        let missing = own.iter().zip(&ids).filter(|(_, id)| id.is_none());
        let missing = missing.filter_map(|(own, _)| own.map(|(kind, name)| exactly(kind, name)));
        let missing: Vec<Wanted> = missing.collect();
        self.prepare_modules(&missing, None)?;
        let mut places = Vec::new();
        for (&(kind, name), id) in names.iter().zip(ids) {
            places.push(match id {
                Some(id) => Some(Place { id, module: None }),
                None => self.place_in_modules(kind, name)?,
            });
        }
        Ok(places)
    }

    fn place_in_modules(&mut self, kind: Kind, name: &str) -> Result<Option<Place>> {
        let (only, name) = match name.split_once(':') {
            Some((module, name)) => (Some(module), name),
            None => (None, name),
        };
        let wanted = exactly(kind, name);
        self.prepare_modules(core::slice::from_ref(&wanted), only)?;
        let modules = self.modules.iter().flatten().enumerate();
        let mut modules = modules.filter(|(_, module)| only.is_none_or(|only| module.name == only));
        Ok(modules.find_map(|(index, module)| {
            let id = *module.target.ids(&wanted).ok()?.first()?;
            let module = Some(index);
            Some(Place { id, module })
        }))
    }

    /// The kernel's types, with those of a module on top.
    ///
    /// # Errors
    /// Those of the kernel's BTF.
    pub(crate) fn types(&mut self, module: Option<usize>) -> Result<Split<'_, 'static>> {
        self.target()?;
        let missing = || Error::not_found("kernel BTF");
        let base = self.target.as_ref().ok_or_else(missing)?;
        let modules = self.modules.as_deref().unwrap_or_default();
        let module = module.and_then(|module| modules.get(module));
        Ok(Split::new(base, module.map(|module| &module.target)))
    }

    /// The kernel's types and its modules', as far as they are prepared.
    ///
    /// # Errors
    /// Those of the kernel's BTF.
    pub(crate) fn prepared(&mut self) -> Result<(&Target<'static>, Vec<&Target<'static>>)> {
        self.target()?;
        let missing = || Error::not_found("kernel BTF");
        let target = self.target.as_ref().ok_or_else(missing)?;
        let modules = self.modules.iter().flatten();
        Ok((target, modules.map(|module| &module.target).collect()))
    }

    /// The descriptor of a module's BTF, by which programs name it.
    ///
    /// # Errors
    /// `NotFound` where the running kernel does not have it (any more);
    /// `PermissionDenied`; what the kernel says otherwise.
    pub(crate) fn module_fd(&mut self, module: usize) -> Result<Arc<OwnedFd>> {
        let modules = self.modules.as_deref_mut().unwrap_or_default();
        let module = modules.get_mut(module);
        let module = module.ok_or_else(|| Error::not_found("module BTF"))?;
        if let Some(fd) = &module.fd {
            return Ok(Arc::clone(fd));
        }
        let name = module.name.as_str();
        let opened = open_by_name(name).with_context(|| format!("BTF of module {name}"))?;
        let fd = Arc::new(opened);
        module.fd = Some(Arc::clone(&fd));
        Ok(fd)
    }
}

fn exactly(kind: Kind, name: &str) -> Wanted {
    let kinds = Kinds::compatible_with(kind);
    (Box::from(name.as_bytes()), kinds, false)
}

/// The name to look for in the kernel itself, unless a module is named.
fn own_name(kind: Kind, name: &str) -> Option<(Kind, &str)> {
    match name.split_once(':') {
        None => Some((kind, name)),
        Some((VMLINUX, name)) => Some((kind, name)),
        Some(_) => None,
    }
}

/// Goes through all BTF in the kernel until the module's comes by.
fn open_by_name(name: &str) -> Result<OwnedFd> {
    let mut id = 0;
    loop {
        id = match sys::btf_get_next_id(id) {
            Ok(next) => next,
            Err(sys::Errno::NOENT) => return Err(Error::not_found("it is not loaded")),
            Err(errno) => return Err(errno.error("BPF_BTF_GET_NEXT_ID")),
        };
        let fd = match sys::btf_get_fd_by_id(id) {
            Ok(fd) => fd,
            // Unloaded since.
            Err(sys::Errno::NOENT) => continue,
            Err(errno) => return Err(errno.error("BPF_BTF_GET_FD_BY_ID")),
        };
        let found = sys::btf_kernel_name(fd.as_fd());
        let found = found.map_err(|errno| errno.error("BPF_OBJ_GET_INFO_BY_FD"))?;
        if found.as_deref() == Some(name) {
            return Ok(fd);
        }
    }
}
