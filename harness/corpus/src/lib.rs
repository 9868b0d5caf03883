//! Small eBPF objects, one feature each, compiled from `c/`.
//!
//! They are what the loader is compared with libbpf on, what `cargo harness
//! verify` shows, and what the rows of the family `loader` attach.

/// Every object: the name of its file without `.bpf.c`, and its bytes; sorted
/// by name.
pub static OBJECTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/objects.rs"));

/// Objects that some or all kernels refuse, each for one reason: what error
/// messages are tried on. Compiled from `refused/`, sorted by name.
pub static REFUSED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/refused.rs"));

/// One object by itself, for a program that embeds no other: the lists above come whole.
pub static BENCH_LOAD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/c/bench_load.bpf.o"));

/// The object of that name, of either list.
pub fn object(name: &str) -> Option<&'static [u8]> {
    let mut all = OBJECTS.iter().chain(REFUSED);
    let found = all.find(|(object, _)| *object == name);
    found.map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_an_elf_file_and_can_be_found() {
        assert!(!OBJECTS.is_empty() && !REFUSED.is_empty());
        for (name, bytes) in OBJECTS.iter().chain(REFUSED) {
            assert!(bytes.starts_with(b"\x7fELF"), "{name}");
            assert_eq!(object(name), Some(*bytes));
        }
        assert_eq!(object("bench_load"), Some(BENCH_LOAD));
    }
}
