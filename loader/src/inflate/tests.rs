//! Against gzip itself, and against damage.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

const LIMIT: usize = 4 << 20;

/// What gzip makes of the bytes.
fn gzip(level: &str, bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .args([level, "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is part of every Linux");
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Text as a configuration has it: many lines, much alike.
fn text(lines: u32) -> Vec<u8> {
    let mut seed = 1u32;
    let mut text = String::new();
    for line in 0..lines {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text += &format!("CONFIG_{:x}_{line}={}\n", seed >> 12, seed % 7);
    }
    text.into_bytes()
}

/// Bytes without any pattern.
fn noise(bytes: usize) -> Vec<u8> {
    let mut seed = 7u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn what_gzip_packs_is_unpacked_at_every_level() {
    for level in ["-1", "-6", "-9"] {
        for bytes in [
            Vec::new(),
            b"a".to_vec(),
            vec![b'x'; 100_000],
            text(20_000),
            noise(100_000),
        ] {
            let packed = gzip(level, &bytes);
            assert_eq!(gunzip(&packed, LIMIT).unwrap(), bytes, "{level}");
        }
    }
}

#[test]
fn a_header_with_a_name_and_extra_fields_is_stepped_over() {
    let packed = gzip("-6", b"hello");
    let mut head = packed[..10].to_vec();
    head[3] = 2 | 4 | 8 | 16;
    head.extend(*b"\x03\0abcname\0comment\0cc");
    let whole = [&head, &packed[10..]].concat();
    assert_eq!(gunzip(&whole, LIMIT).unwrap(), b"hello");
}

#[test]
fn output_past_the_limit_is_an_error() {
    let packed = gzip("-9", &vec![0; 1 << 20]);
    let error = gunzip(&packed, 1000).unwrap_err();
    assert_eq!(error.to_string(), "over 1000 bytes");
    assert_eq!(gunzip(&packed, 1 << 20).unwrap().len(), 1 << 20);
}

#[test]
fn torn_data_is_an_error_at_every_length() {
    let packed = gzip("-6", &text(50));
    for end in 0..packed.len() {
        assert!(gunzip(&packed[..end], LIMIT).is_err(), "{end}");
    }
}

#[test]
fn a_wrong_checksum_is_an_error() {
    let mut packed = gzip("-6", b"hello");
    let at = packed.len() - 8;
    packed[at] ^= 1;
    assert!(gunzip(&packed, LIMIT).is_err());
}

#[test]
fn a_copy_from_before_the_beginning_is_an_error() {
    // Fixed codes: length 3 (symbol 257), distance 1 (symbol 0), nothing yet.
    let bits: [u32; 4] = [1, 0b01, 0b000_0001, 0b00000];
    let widths = [1, 2, 7, 5];
    let mut word = 0u64;
    let mut at = 0;
    for (index, (&value, &width)) in bits.iter().zip(&widths).enumerate() {
        for bit in 0..width {
            // Codes come with their highest bit first, all else lowest first.
            let from = if index < 2 { bit } else { width - 1 - bit };
            word |= u64::from(value >> from & 1) << at;
            at += 1;
        }
    }
    let mut packed = gzip("-6", b"")[..10].to_vec();
    packed.extend(word.to_le_bytes());
    let error = gunzip(&packed, LIMIT).unwrap_err();
    assert_eq!(error.to_string(), "a copy of what was never there");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_and_noise_do_no_harm(
        noise in prop::collection::vec(any::<u8>(), 0..2048),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        packed.extend(&noise);
        let _ = gunzip(&packed, 1 << 16);
        let _ = gunzip(&noise, 1 << 16);
        static PACKED: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut packed = PACKED.get_or_init(|| gzip("-9", &text(300))).clone();
        let at = at.index(packed.len());
        packed[at] = byte;
        let _ = gunzip(&packed, 1 << 16);
    }
}
