//! Reading a .deb without dpkg and without root: an ar archive with a
//! compressed tar in it. Nothing is unpacked; files are offered one by one.
//!
//! Source: deb(5).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

/// Memory that unpacking one XZ stream may take, in KiB: its header asks for
/// it. Twice what the largest dictionary in use, 128 MiB, needs.
pub const MAX_XZ_KIB: u32 = 256 << 10;

/// Offers every regular file in the data part of `deb` to `visit`: its path
/// without leading `./`, its size in bytes, its content.
///
/// # Errors
/// When the file is no .deb of format 2, is cut short, is compressed in a way
/// this does not know, or when `visit` fails.
pub fn visit_files(
    deb: &Path,
    visit: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let file = File::open(deb).with_context(|| format!("cannot open {}", deb.display()))?;
    visit_reader(BufReader::new(file), visit)
        .with_context(|| format!("cannot read the package {}", deb.display()))
}

fn visit_reader(
    file: impl Read,
    visit: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut archive = ar::Archive::new(file);
    let mut format_seen = false;
    while let Some(member) = archive.next_entry() {
        let mut member = member.context("it is no ar archive, or it is cut short")?;
        let name = String::from_utf8_lossy(member.header().identifier()).into_owned();
        if name == "debian-binary" {
            let mut format = String::new();
            (&mut member).take(16).read_to_string(&mut format)?;
            ensure!(
                format.starts_with("2."),
                "package format {format:?} is not 2"
            );
            format_seen = true;
        } else if let Some(compression) = name.strip_prefix("data.tar") {
            ensure!(format_seen, "member debian-binary does not come first");
            return visit_data(compression, &mut member, visit);
        }
    }
    bail!("it has no member data.tar");
}

fn visit_data(
    compression: &str,
    data: &mut dyn Read,
    visit: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    match compression {
        "" => visit_tar(data, visit),
        ".xz" => visit_tar(XzReader::new_mem_limit(data, true, MAX_XZ_KIB), visit),
        ".zst" => {
            let frame = StreamingDecoder::new(data).context("data.tar.zst")?;
            visit_tar(frame, visit)
        }
        other => bail!("data.tar{other} is compressed in a way this cannot read (xz, zst)"),
    }
}

fn visit_tar(
    data: impl Read,
    visit: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut tar = tar::Archive::new(data);
    for file in tar.entries()? {
        let mut file = file.context("data.tar is damaged")?;
        if !file.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&file.path_bytes()).into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        let size = file.size();
        visit(path, size, &mut file).with_context(|| format!("in its file {path}"))?;
    }
    Ok(())
}

/// Reads what `reader` holds, at most `limit_bytes`: sizes in headers are
/// claims, memory is not given out on their word.
///
/// # Errors
/// When there is more than `limit_bytes`, or the source fails.
pub fn read_bounded(reader: impl Read, limit_bytes: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|len| len <= limit_bytes);
    ensure!(fits, "it is larger than {limit_bytes} bytes");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{DebBuilder, Packing};

    fn paths(deb: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        visit_reader(deb, &mut |path, size, content| {
            let bytes = read_bounded(content, 1 << 20)?;
            assert_eq!(bytes.len() as u64, size);
            found.push((path.to_owned(), bytes));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn files_come_out_of_every_packing_as_they_went_in() {
        for packing in [Packing::Plain, Packing::Xz, Packing::Zstd] {
            let deb = DebBuilder::new(packing)
                .file("./boot/vmlinuz-1.2", b"kernel")
                .file("usr/lib/x", &[7; 70_000])
                .build();
            let files = paths(&deb).unwrap();
            assert_eq!(
                files[0],
                ("boot/vmlinuz-1.2".to_owned(), b"kernel".to_vec())
            );
            assert_eq!(files[1].1, [7; 70_000]);
        }
    }

    #[test]
    fn a_package_cut_anywhere_is_an_error_or_lacks_nothing() {
        let deb = DebBuilder::new(Packing::Xz).file("a", &[1; 3000]).build();
        let whole = paths(&deb).unwrap();
        for end in (0..deb.len()).step_by(7) {
            if let Ok(files) = paths(&deb[..end]) {
                assert_eq!(files, whole, "cut at {end}");
            }
        }
        assert!(paths(&deb[..deb.len() / 2]).is_err());
    }

    #[test]
    fn what_is_no_package_is_an_error() {
        for bytes in [&b""[..], b"!<arch>\n", b"PK\x03\x04 not this", &[0; 4096]] {
            assert!(paths(bytes).is_err());
        }
    }

    #[test]
    fn an_unknown_compression_is_named() {
        let deb = DebBuilder::new(Packing::Plain)
            .data_name("data.tar.lzma")
            .build();
        let error = format!("{:#}", paths(&deb).unwrap_err());
        assert!(error.contains("data.tar.lzma"), "{error}");
    }

    #[test]
    fn more_bytes_than_allowed_is_an_error() {
        assert!(read_bounded(&[0; 11][..], 10).is_err());
        assert_eq!(read_bounded(&[0; 10][..], 10).unwrap().len(), 10);
    }
}
