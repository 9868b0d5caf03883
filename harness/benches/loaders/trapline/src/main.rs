//! Loads an object into the kernel, attaches nothing, and ends.

use std::process::ExitCode;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

fn load() -> Result<Object> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let bytes = std::fs::read(&path).map_err(|error| Error::not_found(error.to_string()))?;
    let spec = ObjectSpec::parse(&path, &bytes)?;
    Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())
}

fn main() -> ExitCode {
    match load() {
        Ok(object) => {
            // The kernel takes everything back at exit.
            core::mem::forget(object);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
