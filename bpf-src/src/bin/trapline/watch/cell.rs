//! Text in columns: bytes of others made fit for a terminal, cut and padded.

/// What others wrote, such as a path, so that a terminal takes none of it for a
/// command and a line stays one line.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                hidden if is_hidden(hidden) => text.extend(hidden.escape_default()),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Control characters, and those that change the direction of what is around them or
/// cannot be seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// A word as a shell would take it: in quotes where it has spaces or is empty.
pub fn word(bytes: &[u8]) -> String {
    let text = shown(bytes);
    let is_plain =
        |character: char| !character.is_whitespace() && !"'\"$`*?;&|<>()".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "\\'")),
    }
}

/// The last name of a path.
pub fn base(path: &[u8]) -> &[u8] {
    let after = path.iter().rposition(|byte| *byte == b'/');
    after.map_or(path, |slash| path.get(slash + 1..).unwrap_or_default())
}

/// As wide as the column, or wider. What has to be cut loses its middle, because both
/// ends of a path say more.
pub fn padded(text: &str, width: usize, is_cut: bool) -> String {
    let long = text.chars().count();
    if long <= width || !is_cut {
        return format!("{text:width$}");
    }
    let kept = width.saturating_sub(1);
    let (front, back) = (kept / 2, kept - kept / 2);
    let mut cut: String = text.chars().take(front).collect();
    cut.push('…');
    cut.extend(text.chars().skip(long - back));
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_write_is_a_command_to_the_terminal() {
        assert_eq!(shown("/tmp/é".as_bytes()), "/tmp/é");
        assert_eq!(shown(b"a\x1b[2Jb\nc\x7f"), "a\\u{1b}[2Jb\\nc\\u{7f}");
        assert_eq!(shown(b"\xff\\"), "\\xff\\\\");
        assert_eq!(shown("a\u{202e}b\u{9b}".as_bytes()), "a\\u{202e}b\\u{9b}");
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(word(b"ls"), "ls");
        assert_eq!(word(b"a b"), "'a b'");
        assert_eq!(word(b"it's"), "'it\\'s'");
        assert_eq!(word(b""), "''");
    }

    #[test]
    fn cells_are_padded_and_cut_in_the_middle() {
        assert_eq!(padded("é", 3, true), "é  ");
        assert_eq!(padded("/a/long/path", 7, true), "/a/…ath");
        assert_eq!(padded("/a/long/path", 7, false), "/a/long/path");
        assert_eq!(padded("abc", 0, true), "…");
    }

    #[test]
    fn a_program_is_called_by_its_last_name() {
        assert_eq!(base(b"/usr/bin/ls"), b"ls");
        assert_eq!(base(b"ls"), b"ls");
        assert_eq!(base(b""), b"");
    }
}
