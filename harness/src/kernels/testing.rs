//! What the tests of this layer build: packages, kernel images, ELF files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lzma_rust2::{FilterType, XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sha2::{Digest, Sha256};

use super::archive::Archive;
use super::{Arch, Pin};
use crate::progress::Progress;

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Xz,
    /// With the filter for x86 code, as kernels are packed.
    XzX86,
    Zstd,
    Lz4Legacy,
}

impl Packing {
    pub(crate) fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => bytes.to_vec(),
            Self::Xz => pack_xz(bytes, XzOptions::with_preset(1)),
            Self::XzX86 => {
                let mut options = XzOptions::with_preset(1);
                options.prepend_pre_filter(FilterType::BcjX86, 0);
                pack_xz(bytes, options)
            }
            Self::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
            Self::Lz4Legacy => {
                let mut packed = vec![0x02, 0x21, 0x4c, 0x18];
                for block in bytes.chunks(8 << 20) {
                    let block = lz4_flex::block::compress(block);
                    packed.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
                    packed.extend_from_slice(&block);
                }
                packed
            }
        }
    }
}

fn pack_xz(bytes: &[u8], options: XzOptions) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Builds a .deb in memory.
pub(crate) struct DebBuilder {
    packing: Packing,
    data_name: Option<String>,
    tar: tar::Builder<Vec<u8>>,
}

impl DebBuilder {
    pub(crate) fn new(packing: Packing) -> Self {
        Self {
            packing,
            data_name: None,
            tar: tar::Builder::new(Vec::new()),
        }
    }

    pub(crate) fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        self.tar.append_data(&mut header, path, bytes).unwrap();
        self
    }

    pub(crate) fn data_name(mut self, name: &str) -> Self {
        self.data_name = Some(name.to_owned());
        self
    }

    pub(crate) fn build(self) -> Vec<u8> {
        let suffix = match self.packing {
            Packing::Xz => ".xz",
            Packing::Zstd => ".zst",
            _ => "",
        };
        let data_name = self
            .data_name
            .unwrap_or_else(|| format!("data.tar{suffix}"));
        let data = self.packing.pack(&self.tar.into_inner().unwrap());
        let mut deb = ar::Builder::new(Vec::new());
        for (name, bytes) in [
            ("debian-binary", &b"2.0\n"[..]),
            ("control.tar.xz", b"not read"),
            (&data_name, &data),
        ] {
            let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
            deb.append(&header, bytes).unwrap();
        }
        deb.into_inner().unwrap()
    }
}

/// A bzImage of `kernel`, its size behind it as the kernel's build puts it.
pub(crate) fn bzimage(release: &str, packing: Packing, kernel: &[u8]) -> Vec<u8> {
    let mut payload = packing.pack(kernel);
    payload.extend_from_slice(&u32::try_from(kernel.len()).unwrap().to_le_bytes());
    bzimage_with_payload(release, &payload)
}

/// A bzImage with these very bytes as its payload.
pub(crate) fn bzimage_with_payload(release: &str, payload: &[u8]) -> Vec<u8> {
    const SECTORS: usize = 7;
    const PAYLOAD_OFFSET: usize = 0x123;
    const VERSION_AT: usize = 0x300;
    let mut image = vec![0; (SECTORS + 1) * 512 + PAYLOAD_OFFSET];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[SECTORS as u8]);
    put(0x202, b"HdrS");
    put(0x206, &0x20f_u16.to_le_bytes());
    put(0x20e, &((VERSION_AT - 0x200) as u16).to_le_bytes());
    put(0x248, &(PAYLOAD_OFFSET as u32).to_le_bytes());
    put(0x24c, &u32::try_from(payload.len()).unwrap().to_le_bytes());
    put(
        VERSION_AT,
        format!("{release} (builder) #1 SMP\0").as_bytes(),
    );
    image.extend_from_slice(payload);
    image
}

/// An ELF file of `size` bytes with a section `.BTF`.
pub(crate) fn vmlinux(size: usize, btf: &[u8]) -> Vec<u8> {
    let mut elf = elf_with_section(b".BTF", btf);
    // Calls whose targets the x86 filter rewrites, not just zeroes.
    let calls = (0_u32..).flat_map(|n| [vec![0xe8], (n * 64).to_le_bytes().to_vec()].concat());
    let missing = size.checked_sub(elf.len()).unwrap();
    elf.extend(calls.take(missing));
    elf
}

/// A kernel module that depends on the modules in the comma-separated `needs`.
pub(crate) fn module(needs: &str) -> Vec<u8> {
    let info = format!("license=GPL\0depends={needs}\0name=x\0");
    elf_with_section(b".modinfo", info.as_bytes())
}

/// A little-endian 64-bit ELF file with one section besides the names.
fn elf_with_section(name: &[u8], content: &[u8]) -> Vec<u8> {
    let names = [b"\0", name, b"\0.shstrtab\0"].concat();
    let content_at = 64_u64;
    let names_at = content_at + content.len() as u64;
    let headers_at = (names_at + names.len() as u64).next_multiple_of(8);
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    elf.extend([1_u16, 62].map(u16::to_le_bytes).concat());
    elf.extend(1_u32.to_le_bytes());
    elf.extend([0, 0, headers_at].map(u64::to_le_bytes).concat());
    elf.extend(0_u32.to_le_bytes());
    elf.extend([64_u16, 0, 0, 64, 3, 2].map(u16::to_le_bytes).concat());
    elf.extend(content);
    elf.extend(&names);
    elf.resize(usize::try_from(headers_at).unwrap() + 64, 0);
    let sections = [
        (1_u32, 1_u32, content_at, content.len()),
        (name.len() as u32 + 2, 3, names_at, names.len()),
    ];
    for (name, kind, offset, size) in sections {
        elf.extend([name, kind].map(u32::to_le_bytes).concat());
        elf.extend([0, 0, offset, size as u64].map(u64::to_le_bytes).concat());
        elf.extend([0_u8; 8]);
        elf.extend([1_u64, 0].map(u64::to_le_bytes).concat());
    }
    elf
}

/// An archive in memory that counts what it is asked.
#[derive(Default)]
pub(crate) struct FakeArchive {
    packages: Vec<(Pin, Vec<u8>)>,
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) downloads: Arc<AtomicUsize>,
}

impl FakeArchive {
    /// Adds a package that is only listed, with a made-up checksum.
    pub(crate) fn list(&mut self, package: &str, version: &str, suite: &str) {
        let pin = Pin {
            package: package.to_owned(),
            version: version.to_owned(),
            suite: suite.to_owned(),
            size_bytes: 9 << 20,
            sha256: "ab".repeat(32),
        };
        self.packages.push((pin, Vec::new()));
    }

    /// Adds a package with its content; the pin that the index will show. Its
    /// size is given out as that of a real kernel.
    pub(crate) fn add(&mut self, package: &str, version: &str, suite: &str, deb: Vec<u8>) -> Pin {
        self.list(package, version, suite);
        let (pin, content) = self.packages.last_mut().unwrap();
        pin.sha256 = format!("{:x}", Sha256::digest(&deb));
        *content = deb;
        pin.clone()
    }

    /// Flips a bit in what downloads bring.
    pub(crate) fn damage(&mut self) {
        for (_, content) in &mut self.packages {
            content[100] ^= 1;
        }
    }
}

impl Archive for FakeArchive {
    fn pins(&mut self, _: Arch, suites: &[String], _: &Progress) -> Result<Vec<Pin>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let pins = self.packages.iter().map(|(pin, _)| pin.clone());
        Ok(pins.filter(|pin| suites.contains(&pin.suite)).collect())
    }

    fn download(&mut self, _: Arch, pin: &Pin, into: &Path, _: &Progress) -> Result<PathBuf> {
        self.downloads.fetch_add(1, Ordering::SeqCst);
        let found = self.packages.iter().find(|(listed, _)| listed == pin);
        let path = into.join("x.deb");
        fs::write(&path, &found.context("not in the archive")?.1)?;
        Ok(path)
    }
}
