//! Names with `*` and `?` in them.

/// Does `pattern` hold a wildcard?
pub(crate) fn is_pattern(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Does `name` fit `pattern`? `*` stands for any bytes, also none, `?` for any
/// one byte.
///
/// Takes no more than the product of the two lengths: a star that has to give
/// way is only ever the last one.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut byte) = (0, 0);
    // Where to go on when what follows the last star does not fit: the place
    // after the star, and the first byte that it does not cover yet.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&found) = name.get(byte) {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, byte));
            }
            Some(&wanted) if wanted == b'?' || wanted == found => {
                at += 1;
                byte += 1;
            }
            _ => {
                let Some((after_star, covered)) = retry else {
                    return false;
                };
                retry = Some((after_star, covered + 1));
                at = after_star;
                byte = covered + 1;
            }
        }
    }
    let rest = pattern.get(at..).unwrap_or_default();
    rest.iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        matches(pattern.as_bytes(), name.as_bytes())
    }

    #[test]
    fn a_name_without_wildcards_fits_itself_alone() {
        assert!(fits("vfs_read", "vfs_read"));
        assert!(!fits("vfs_read", "vfs_readv"));
        assert!(!fits("vfs_readv", "vfs_read"));
        assert!(fits("", "") && !fits("", "x"));
    }

    #[test]
    fn a_star_stands_for_any_bytes() {
        assert!(fits("vfs_*", "vfs_") && fits("vfs_*", "vfs_read"));
        assert!(fits("*_read", "vfs_read") && !fits("*_read", "vfs_readv"));
        assert!(fits("*a*b*", "xaxxb") && !fits("*a*b*", "xbxxa"));
        assert!(fits("*aab", "aaaab") && fits("**", ""));
    }

    #[test]
    fn a_question_mark_stands_for_one_byte() {
        assert!(fits("vfs_rea?", "vfs_read") && !fits("vfs_rea?", "vfs_rea"));
        assert!(fits("?*", "x") && !fits("?*", ""));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!fits(&pattern, &"a".repeat(4000)));
    }
}
