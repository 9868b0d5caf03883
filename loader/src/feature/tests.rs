use super::*;
use crate::btf::ObjectBtf;

#[test]
fn the_probing_btf_is_well_formed() {
    let tag = [NAME, 4 << 24, 0, NAME, 17 << 24, 2, u32::MAX];
    for second in [&[][..], &[NAME, 16 << 24, 4], &tag, &[NAME, 19 << 24, 8]] {
        ObjectBtf::parse(&btf_bytes(second)).unwrap();
    }
}

#[test]
fn versions_become_numbers() {
    assert_eq!(version_code("6.12.117-1 (2026-11-01)"), Some(0x06_0c_75));
    assert_eq!(version_code("7.3.4+deb13-cloud-amd64"), Some(0x07_03_04));
    assert_eq!(version_code("5.10.0-30-cloud-amd64"), Some(0x05_0a_00));
    assert_eq!(version_code("4.9.337"), Some(0x04_09_ff));
    assert_eq!(version_code("6.1-rc1"), Some(0x06_01_00));
    assert_eq!(version_code("next"), None);
}

#[test]
fn states_read_like_answers() {
    assert_eq!(
        State::Absent("EINVAL".to_owned()).to_string(),
        "no (EINVAL)"
    );
}
