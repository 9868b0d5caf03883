//! The kernels' types, as far as the sensors look at them: `vm-images/btf`.
//!
//! Some kilobytes for each kernel, made by the loader's own minimiser, so that
//! the fit of every sensor to every kernel is a matter of milliseconds and needs
//! no kernel. They are in git; whoever changes a sensor or a kernel makes them
//! anew with `cargo harness btf`, and a test sees to it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use trapline_loader::btf::{Source, Target};
use trapline_loader::relo_core::minimise;
use trapline_loader::spec::ObjectSpec;
use trapline_sensors::objects;

use crate::kernels::{Kernel, Series};

/// Where they are, below the root of the checkout.
pub const FOLDER: &str = "vm-images/btf";

/// The file of one series.
#[must_use]
pub fn path(root: &Path, series: Series) -> PathBuf {
    root.join(FOLDER).join(format!("{series}.btf"))
}

/// The sensors' objects, taken apart.
///
/// # Errors
/// What the loader says of them.
pub fn sensors() -> Result<Vec<ObjectSpec>> {
    let objects = objects::unpacked().map_err(|error| anyhow!("{error:#}"))?;
    let specs = objects
        .iter()
        .map(|(name, bytes)| ObjectSpec::parse(name, bytes));
    specs
        .map(|spec| spec.map_err(|error| anyhow!("{error:#}")))
        .collect()
}

/// All of a kernel's types, raw.
///
/// # Errors
/// When the kernel has none, or the cache cannot be read.
pub fn of_kernel(kernel: &Kernel) -> Result<Vec<u8>> {
    let path = kernel.btf.as_ref();
    let path = path.with_context(|| format!("kernel {} has no BTF", kernel.series))?;
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What the objects look at of a kernel's types.
///
/// # Errors
/// What the loader says.
pub fn minimised(objects: &[ObjectSpec], kernel: &[u8]) -> Result<Vec<u8>> {
    let mut target =
        Target::new(Source::from_bytes(kernel)).map_err(|error| anyhow!("{error:#}"))?;
    minimise(objects, &mut target).map_err(|error| anyhow!("{error:#}"))
}
