//! Loads an object into the kernel, attaches nothing, and ends.

use libbpf_rs::ObjectBuilder;

fn main() -> Result<(), libbpf_rs::Error> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let object = ObjectBuilder::default().open_file(path)?.load()?;
    // The kernel takes everything back at exit.
    std::mem::forget(object);
    Ok(())
}
