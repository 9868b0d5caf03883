//! A second reader of ELF files, goblin, sees what this crate sees.
//!
//! `elf` is private: its answers are taken from what is public, the doors for
//! fuzzing.

mod common;
#[path = "inputs/damage.rs"]
mod damage;

use damage::{Random, Seed};
use goblin::elf::header::{EI_CLASS, EI_DATA, ELFCLASS64, ELFDATA2LSB, EM_BPF, ET_REL};
use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS, SHT_NULL, SHT_REL};
use goblin::elf::{Elf, sym};
use trapline_loader::doors::{self, ElfView, SectionView, SymbolView};

/// Damaged files that are compared, of each object.
const DAMAGED: u64 = 300;

fn objects() -> Vec<(&'static str, Vec<u8>)> {
    let corpus = trapline_corpus::OBJECTS.iter();
    let corpus = corpus.map(|(name, bytes)| (*name, bytes.to_vec()));
    let mut objects = trapline_sensors::objects::unpacked().unwrap();
    objects.extend(corpus);
    objects
}

/// The file as goblin reads it, in our words.
fn read_by_goblin(bytes: &[u8]) -> Option<ElfView> {
    let elf = Elf::parse(bytes).ok()?;
    let header = &elf.header;
    let is_bpf = header.e_ident[EI_CLASS] == ELFCLASS64
        && header.e_ident[EI_DATA] == ELFDATA2LSB
        && header.e_machine == EM_BPF
        && header.e_type == ET_REL;
    if !is_bpf {
        return None;
    }
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let mut sections = Vec::new();
    for section in &elf.section_headers {
        let data = match section.sh_type {
            SHT_NOBITS | SHT_NULL => &[][..],
            _ => bytes.get(section.file_range()?)?,
        };
        sections.push(SectionView {
            name: text(elf.shdr_strtab.get_at(section.sh_name)),
            kind: section.sh_type,
            is_alloc: section.sh_flags & u64::from(SHF_ALLOC) != 0,
            size: section.sh_size,
            data: data.to_vec(),
            relocations: Vec::new(),
        });
    }
    for (index, relocations) in &elf.shdr_relocs {
        let table = &elf.section_headers[*index];
        if table.sh_type != SHT_REL {
            continue;
        }
        let target = sections.get_mut(table.sh_info as usize)?;
        let of_table = relocations.iter();
        target
            .relocations
            .extend(of_table.map(|r| (r.r_offset, r.r_type, r.r_sym)));
    }
    for section in &mut sections {
        section.relocations.sort_by_key(|(offset, _, _)| *offset);
    }
    let symbols = elf.syms.iter().map(|symbol| SymbolView {
        name: text(elf.strtab.get_at(symbol.st_name)),
        kind: sym::st_type(symbol.st_info),
        is_global: matches!(
            sym::st_bind(symbol.st_info),
            sym::STB_GLOBAL | sym::STB_WEAK
        ),
        is_hidden: matches!(
            sym::st_visibility(symbol.st_other),
            sym::STV_HIDDEN | sym::STV_INTERNAL
        ),
        section: (1..0xff00)
            .contains(&symbol.st_shndx)
            .then_some(symbol.st_shndx),
        value: symbol.st_value,
        size: symbol.st_size,
    });
    Some(ElfView {
        symbols: symbols.collect(),
        sections,
    })
}

#[test]
fn sections_symbols_and_relocations_are_what_goblin_reads() {
    let mut relocations = 0;
    for (name, bytes) in objects() {
        let (ours, theirs) = (doors::elf(&bytes), read_by_goblin(&bytes));
        let ours = ours.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let theirs = theirs.unwrap_or_else(|| panic!("goblin refuses {name}"));
        assert_eq!(ours.sections.len(), theirs.sections.len(), "{name}");
        for (ours, theirs) in ours.sections.iter().zip(&theirs.sections) {
            assert_eq!(ours, theirs, "{name}");
            relocations += ours.relocations.len();
        }
        assert_eq!(ours.symbols, theirs.symbols, "{name}");
        assert!(ours.symbols.len() > 1, "{name}");
    }
    assert!(
        relocations > 100,
        "only {relocations} relocations were compared"
    );
}

#[test]
fn both_read_the_same_from_a_damaged_file_that_both_read() {
    let (mut both, mut one) = (0, 0);
    for (name, bytes) in objects()
        .into_iter()
        .filter(|(_, bytes)| bytes.len() < 8000)
    {
        // The header and the tables: what sections hold does not matter here.
        let seed = Seed::tables(bytes.to_vec());
        let mut damaged = Vec::new();
        for index in 0..DAMAGED {
            seed.damaged(&mut Random::new(7, index), &mut damaged);
            match (doors::elf(&damaged), read_by_goblin(&damaged)) {
                (Ok(ours), Some(theirs)) => {
                    compare_damaged(&ours, &theirs, &format!("{name}, damage {index}"));
                    both += 1;
                }
                (Err(_), None) => {}
                _ => one += 1,
            }
        }
    }
    // Each refuses files that the other bears: overlapping sections, a symbol
    // table whose names are elsewhere.
    assert!(both > one, "both read {both}, one alone {one}");
}

/// Names that are no text, or have no end, are empty for us and may be missing
/// for goblin; the rest has to be equal.
fn compare_damaged(ours: &ElfView, theirs: &ElfView, about: &str) {
    assert_eq!(ours.sections.len(), theirs.sections.len(), "{about}");
    for (index, (a, b)) in ours.sections.iter().zip(&theirs.sections).enumerate() {
        let about = format!("{about}, section {index}");
        assert!(
            a.name == b.name || a.name.is_empty(),
            "{about}: {} {}",
            a.name,
            b.name
        );
        assert_eq!(
            (a.kind, a.is_alloc, a.size),
            (b.kind, b.is_alloc, b.size),
            "{about}"
        );
        assert_eq!(a.data, b.data, "{about}");
    }
}
