//! Small eBPF objects, one feature each, compiled from `c/`.
//!
//! They are what the loader is compared with libbpf on, what `cargo harness
//! verify` shows, and what the rows of the family `loader` attach.

/// Every object: the name of its file without `.bpf.c`, and its bytes; sorted
/// by name.
pub static OBJECTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/objects.rs"));

/// The object of that name.
pub fn object(name: &str) -> Option<&'static [u8]> {
    let found = OBJECTS.iter().find(|(object, _)| *object == name);
    found.map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_an_elf_file_and_can_be_found() {
        assert!(!OBJECTS.is_empty());
        for (name, bytes) in OBJECTS {
            assert!(bytes.starts_with(b"\x7fELF"), "{name}");
            assert_eq!(object(name), Some(*bytes));
        }
    }
}
