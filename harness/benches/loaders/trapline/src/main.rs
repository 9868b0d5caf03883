//! Loads an object into the kernel, attaches nothing, and ends.

use std::process::ExitCode;

use trapline_loader::Result;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{self, LoadOptions, Object};

fn load() -> Result<Object> {
    let path = std::env::args().nth(1).unwrap_or_default();
    Object::load(
        object::open(path)?,
        &mut KernelBtf::running(),
        &LoadOptions::default(),
    )
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
