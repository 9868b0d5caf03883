//! The order of Debian version numbers.
//!
//! Source: Debian Policy 5.6.12, deb-version(7). Pure text comparison.

use std::cmp::Ordering;

/// Compares two Debian versions as dpkg would: epoch, upstream, revision.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = epoch(left);
    let (right_epoch, right) = epoch(right);
    let (left_upstream, left_revision) = revision(left);
    let (right_upstream, right_revision) = revision(right);
    compare_numbers(left_epoch, right_epoch)
        .then_with(|| compare_part(left_upstream, right_upstream))
        .then_with(|| compare_part(left_revision, right_revision))
}

fn epoch(version: &str) -> (&str, &str) {
    version.split_once(':').unwrap_or(("0", version))
}

/// A missing revision equals `0`: an empty part compares like that.
fn revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Compares alternating runs of other characters and of digits.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    loop {
        let (left_text, left_rest) = split_run(left, |c| !c.is_ascii_digit());
        let (right_text, right_rest) = split_run(right, |c| !c.is_ascii_digit());
        let (left_number, left_next) = split_run(left_rest, |c| c.is_ascii_digit());
        let (right_number, right_next) = split_run(right_rest, |c| c.is_ascii_digit());
        let order = compare_text(left_text, right_text)
            .then_with(|| compare_numbers(left_number, right_number));
        if order.is_ne() || (left_next.is_empty() && right_next.is_empty()) {
            return order;
        }
        (left, right) = (left_next, right_next);
    }
}

fn split_run(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// `~` sorts before the end of the text, letters before everything else.
fn compare_text(left: &str, right: &str) -> Ordering {
    let weigh = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    };
    let (mut left, mut right) = (left.bytes(), right.bytes());
    loop {
        let (l, r) = (left.next(), right.next());
        let order = weigh(l).cmp(&weigh(r));
        if order.is_ne() || (l.is_none() && r.is_none()) {
            return order;
        }
    }
}

/// Compares digit strings of any length; an empty one is zero.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    let left = left.trim_start_matches('0');
    let right = right.trim_start_matches('0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_dpkg_orders_them() {
        // Each is older than the one after it; checked against
        // `dpkg --compare-versions`.
        let ascending = [
            "5.10.218-1",
            "6.1.180-1~deb11u1",
            "6.1.180-1",
            "6.1.192-1",
            "6.1.192-2",
            "6.12.9-1",
            "6.12.107-1~bpo12+1",
            "6.12.107-1",
            "6.12.117-1~deb12u1",
            "6.12.117-1",
            "6.12.117-1+b1",
            "6.12.117-10",
            "7.0~rc1-1",
            "7.0-1",
            "7.0a-1",
            "7.0+a-1",
            "1:1.0-1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn equal_versions_may_be_written_differently() {
        for (left, right) in [("1.0", "0:1.0"), ("1.0-0", "1.0"), ("1.01", "1.1")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }

    #[test]
    fn a_number_too_long_for_any_integer_still_compares() {
        let (small, big) = ("9".repeat(60), "9".repeat(61));
        assert_eq!(compare(&small, &big), Ordering::Less);
    }
}
