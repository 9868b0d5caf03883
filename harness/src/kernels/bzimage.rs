//! From a bzImage to the kernel inside it, an uncompressed ELF.
//!
//! The setup header says where the compressed kernel lies, so nothing is
//! searched for by magic. QEMU boots the ELF directly (PVH), which saves the
//! guest from unpacking itself without hardware virtualisation.
//!
//! Source: Documentation/arch/x86/boot.rst, arch/x86/boot/compressed/Makefile.

use anyhow::{Context, Result, bail, ensure};
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::deb::{MAX_XZ_KIB, read_bounded};

/// No kernel of the matrix is a quarter of this.
const MAX_KERNEL_BYTES: u32 = 512 << 20;

/// What the setup header of a bzImage says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BzImage<'a> {
    /// `uname -r` of this kernel.
    pub release: &'a str,
    /// The compressed kernel, with the four bytes of its size at the end.
    pub payload: &'a [u8],
}

impl<'a> BzImage<'a> {
    /// Reads the setup header.
    ///
    /// # Errors
    /// When this is no bzImage of boot protocol 2.08 or later, or its header
    /// points outside of it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        ensure!(
            bytes.get(0x202..0x206) == Some(b"HdrS"),
            "it is no bzImage: there is no `HdrS` at offset 0x202"
        );
        let protocol = u16_at(bytes, 0x206)?;
        ensure!(
            protocol >= 0x208,
            "boot protocol {}.{:02} does not say where the payload is; 2.08 and later do",
            protocol >> 8,
            protocol & 0xff
        );
        // Zero stands for four, for the sake of very old loaders.
        let setup_sectors = match bytes[0x1f1] {
            0 => 4,
            sectors => usize::from(sectors),
        };
        let code_start = (setup_sectors + 1) * 512;
        let start = code_start.saturating_add(u32_at(bytes, 0x248)?);
        let end = start.saturating_add(u32_at(bytes, 0x24c)?);
        let payload = bytes.get(start..end).with_context(|| {
            let len = bytes.len();
            format!("payload {start:#x}..{end:#x} lies outside of its {len:#x} bytes")
        })?;
        Ok(Self {
            release: release(bytes)?,
            payload,
        })
    }

    /// Unpacks the kernel: an ELF file, relocations possibly behind it.
    ///
    /// # Errors
    /// When the payload is damaged, packed in an unknown way, is larger or
    /// smaller than it says, or is no ELF file.
    pub fn unpack(&self) -> Result<Vec<u8>> {
        let payload = self.payload;
        let split = payload
            .len()
            .checked_sub(4)
            .context("the payload is empty")?;
        let (packed, size) = payload.split_at(split);
        let size = u32_at(size, 0)?;
        let limit = u32::try_from(size)
            .ok()
            .filter(|&size| size <= MAX_KERNEL_BYTES);
        let limit = limit.with_context(|| {
            format!("the payload claims {size} bytes unpacked, at most {MAX_KERNEL_BYTES} are read")
        })?;
        let (name, kernel) = unpack_by_magic(packed, limit)?;
        ensure!(
            kernel.len() == size,
            "the {name} payload unpacks to {} bytes, its trailer says {size}",
            kernel.len()
        );
        ensure!(
            kernel.starts_with(b"\x7fELF"),
            "the {name} payload is no ELF file"
        );
        Ok(kernel)
    }
}

fn unpack_by_magic(packed: &[u8], limit: u32) -> Result<(&'static str, Vec<u8>)> {
    let limit_bytes = u64::from(limit);
    let (name, unpacked) = match packed {
        [0x02, 0x21, 0x4c, 0x18, ..] => ("LZ4", unpack_lz4_legacy(packed, limit)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => (
            "XZ",
            read_bounded(
                XzReader::new_mem_limit(packed, false, MAX_XZ_KIB),
                limit_bytes,
            ),
        ),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let frame = StreamingDecoder::new(packed).map_err(anyhow::Error::from);
            (
                "zstd",
                frame.and_then(|frame| read_bounded(frame, limit_bytes)),
            )
        }
        [0x1f, 0x8b, ..] => bail!("the payload is gzip, this reads LZ4, XZ and zstd"),
        [b'B', b'Z', b'h', ..] => bail!("the payload is bzip2, this reads LZ4, XZ and zstd"),
        other => bail!(
            "the payload begins with {:02x?}, this reads LZ4, XZ and zstd",
            &other[..other.len().min(4)]
        ),
    };
    let unpacked = unpacked.with_context(|| format!("cannot unpack the {name} payload"))?;
    Ok((name, unpacked))
}

/// The format of `lz4 -l`: after the magic, blocks with their length before
/// them, each of which unpacks to at most 8 MiB.
fn unpack_lz4_legacy(mut packed: &[u8], limit: u32) -> Result<Vec<u8>> {
    const MAGIC: usize = 0x184c_2102;
    const BLOCK_BYTES: usize = 8 << 20;
    let mut kernel = Vec::new();
    let mut block = vec![0; BLOCK_BYTES];
    while !packed.is_empty() {
        let length = u32_at(packed, 0).context("a block's length is cut")?;
        packed = &packed[4..];
        if length == MAGIC {
            continue;
        }
        let (head, rest) = packed
            .split_at_checked(length)
            .with_context(|| format!("a block of {length} bytes with {} left", packed.len()))?;
        let written = lz4_flex::block::decompress_into(head, &mut block)?;
        ensure!(written > 0, "a block holds nothing");
        kernel.extend_from_slice(&block[..written]);
        ensure!(
            kernel.len() <= limit as usize,
            "it is larger than {limit} bytes"
        );
        packed = rest;
    }
    Ok(kernel)
}

/// `uname -r`: the first word of the version string.
fn release(bytes: &[u8]) -> Result<&str> {
    let start = usize::from(u16_at(bytes, 0x20e)?) + 0x200;
    let text = bytes.get(start..).unwrap_or_default();
    let text = &text[..text.len().min(256)];
    let end = text.iter().position(|b| matches!(b, 0 | b' '));
    let word = end.and_then(|end| str::from_utf8(&text[..end]).ok());
    word.filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic()))
        .with_context(|| format!("there is no version string at offset {start:#x}"))
}

fn u16_at(bytes: &[u8], offset: usize) -> Result<u16> {
    let field = bytes.get(offset..).and_then(|tail| tail.first_chunk());
    let field = field.with_context(|| format!("cut before offset {offset:#x}"))?;
    Ok(u16::from_le_bytes(*field))
}

fn u32_at(bytes: &[u8], offset: usize) -> Result<usize> {
    let field = bytes.get(offset..).and_then(|tail| tail.first_chunk());
    let field = field.with_context(|| format!("cut before offset {offset:#x}"))?;
    Ok(usize::try_from(u32::from_le_bytes(*field))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Packing, bzimage, bzimage_with_payload, vmlinux};

    const RELEASE: &str = "6.12.1-cloud-amd64";

    #[test]
    fn every_compression_unpacks_to_the_same_kernel() {
        // More than one LZ4 block, and code-like bytes for XZ's x86 filter.
        let kernel = vmlinux(9 << 20, b"btf");
        for packing in [
            Packing::Lz4Legacy,
            Packing::Xz,
            Packing::XzX86,
            Packing::Zstd,
        ] {
            let image = bzimage(RELEASE, packing, &kernel);
            let parsed = BzImage::parse(&image).unwrap();
            assert_eq!(parsed.release, RELEASE);
            assert!(parsed.unpack().unwrap() == kernel, "{packing:?}");
        }
    }

    fn error_of(payload: &[u8]) -> String {
        let image = bzimage_with_payload(RELEASE, payload);
        format!(
            "{:#}",
            BzImage::parse(&image).unwrap().unpack().unwrap_err()
        )
    }

    #[test]
    fn what_cannot_be_unpacked_is_named() {
        assert!(error_of(b"\x1f\x8b\x08\0 \0\0\0\0").contains("is gzip"));
        assert!(error_of(b"BZh91AY\0\0\0\0").contains("is bzip2"));
        assert!(error_of(b"what\0\0\0\0").contains("begins with [77, 68, 61, 74]"));
        assert!(error_of(b"").contains("payload is empty"));
        assert!(error_of(b"what\xff\xff\xff\xff").contains("claims 4294967295 bytes"));
    }

    #[test]
    fn a_payload_that_contradicts_its_size_is_an_error() {
        let kernel = vmlinux(5000, b"btf");
        for packing in [Packing::Lz4Legacy, Packing::Xz, Packing::Zstd] {
            for wrong in [4999_u32, 5001, 0] {
                let mut payload = packing.pack(&kernel);
                payload.extend_from_slice(&wrong.to_le_bytes());
                let error = error_of(&payload);
                assert!(error.contains("its trailer says") || error.contains("larger than"));
            }
        }
    }

    #[test]
    fn a_payload_that_is_no_elf_is_an_error() {
        let image = bzimage(RELEASE, Packing::Zstd, b"no kernel");
        let error = BzImage::parse(&image).unwrap().unpack().unwrap_err();
        assert_eq!(error.to_string(), "the zstd payload is no ELF file");
    }

    #[test]
    fn a_damaged_image_never_panics_and_a_cut_one_never_passes() {
        let kernel = vmlinux(4000, b"btf");
        for packing in [Packing::Lz4Legacy, Packing::Xz, Packing::Zstd] {
            let image = bzimage(RELEASE, packing, &kernel);
            for at in (0x200..image.len()).step_by(11) {
                let mut damaged = image.clone();
                damaged[at] ^= 0x55;
                let _ = BzImage::parse(&damaged).and_then(|image| image.unpack());
                let _ = BzImage::parse(&image[..at]).and_then(|image| image.unpack());
            }
            assert!(BzImage::parse(&image[..image.len() - 1]).is_err());
        }
    }

    #[test]
    fn a_header_that_points_outside_is_an_error() {
        let image = bzimage(RELEASE, Packing::Zstd, &vmlinux(4000, b"btf"));
        for (offset, part) in [(0x248, "outside"), (0x24c, "outside"), (0x202, "no `HdrS`")] {
            let mut wrong = image.clone();
            wrong[offset..offset + 4].fill(0xff);
            let error = BzImage::parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let mut old = image.clone();
        old[0x206..0x208].copy_from_slice(&0x207_u16.to_le_bytes());
        assert!(
            BzImage::parse(&old)
                .unwrap_err()
                .to_string()
                .contains("2.07")
        );
    }
}
