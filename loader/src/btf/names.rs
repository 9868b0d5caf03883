//! Names and their flavors: `task_struct___old` is `task_struct` to CO-RE.

/// The name without its flavor: what comes before the last triple underscore
/// that stands between other characters.
pub fn essential_name(name: &[u8]) -> &[u8] {
    /// One character, three underscores, one character.
    const SEPARATOR_BYTES: usize = 5;
    let is_separator = |w: &[u8]| matches!(w, [x, b'_', b'_', b'_', y] if *x != b'_' && *y != b'_');
    let last = name.windows(SEPARATOR_BYTES).rposition(is_separator);
    last.and_then(|at| name.get(..=at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn the_last_triple_underscore_starts_the_flavor() {
        let cases: [(&[u8], &[u8]); 7] = [
            (b"task_struct", b"task_struct"),
            (b"task_struct___old", b"task_struct"),
            (b"a___b___c", b"a___b"),
            (b"a____b", b"a____b"),
            (b"___a", b"___a"),
            (b"a___", b"a___"),
            (b"", b""),
        ];
        for (name, essential) in cases {
            assert_eq!(essential_name(name), essential);
        }
    }
}
