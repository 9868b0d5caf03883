//! Structures in Rust against those of the compiled object.

use trapline_loader::btf::{Kind, ObjectBtf, Types};
use trapline_sensors::abi::Member;

/// Compares the name, the size and every member of each structure.
pub fn compare(btf: &ObjectBtf, structures: Vec<(&str, usize, Vec<Member>)>) {
    for (name, size, members) in structures {
        let id = btf.find(Kind::Struct, name);
        let id = id.unwrap_or_else(|| panic!("struct {name} is not in the object's BTF"));
        assert_eq!(
            btf.size_of(id).unwrap() as usize,
            size,
            "size of struct {name}"
        );
        let compiled = btf.type_by_id(id).unwrap();
        let compiled: Vec<_> = compiled
            .members()
            .map(|member| {
                let name = btf.text(member.name_off).unwrap();
                let size = btf.size_of(member.type_id).unwrap() as usize;
                (name, member.offset_bits as usize / 8, size)
            })
            .collect();
        let ours: Vec<_> = members
            .iter()
            .map(|member| (plain(member.name), member.offset, member.size))
            .collect();
        assert_eq!(ours, compiled, "members of struct {name}");
    }
}

/// The name in C of what Rust has for a word of its own, such as `in`.
fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_owned()
}
