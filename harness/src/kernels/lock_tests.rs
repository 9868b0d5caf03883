//! Tests of the lock: what it accepts, and how it says what is wrong.

use std::path::Path;

use super::*;

const GOOD: &str = r#"
[archive]
suites = ["trixie", "trixie-backports"]

[[kernel]]
series = "7.3"
arch = "amd64"
package = "linux-binary-7.3.4+deb13-cloud-amd64"
version = "7.3.4-1~bpo13+1"
suite = "trixie-backports"
size_bytes = 13604064
sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
modules = []

[[kernel]]
series = "6.12"
arch = "amd64"
package = "linux-image-6.12.107+deb13-cloud-amd64"
version = "6.12.107-1"
suite = "trixie"
size_bytes = 34307256
sha256 = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
modules = ["virtio_pci"]
"#;

fn parse(text: &str) -> Result<Lock> {
    Lock::parse(text, Path::new("kernels.toml"))
}

/// The error of the good lock after replacing `from` with `to`.
fn error_after(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let error = parse(&GOOD.replacen(from, to, 1)).expect_err(to);
    format!("{error:#}")
}

#[test]
fn kernels_come_in_ascending_order() {
    let lock = parse(GOOD).unwrap();
    let series: Vec<String> = lock.series().map(|s| s.to_string()).collect();
    assert_eq!(series, ["6.12", "7.3"]);
    let entry = lock.get("6.12".parse().unwrap()).unwrap();
    assert_eq!(entry.modules, ["virtio_pci"]);
    assert_eq!(entry.pin.release(), Some("6.12.107+deb13-cloud-amd64"));
}

#[test]
fn a_selection_keeps_the_order_and_names_what_is_missing() {
    let lock = parse(GOOD).unwrap();
    let wanted = ["7.3", "6.12", "7.3"].map(|s| s.parse().unwrap());
    assert_eq!(lock.select(&wanted).unwrap().len(), 2);
    let error = lock.select(&[Series::new(4, 19)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no kernel 4.19 in the matrix, which is 6.12 7.3"
    );
}

#[test]
fn every_wrong_value_is_named() {
    for (from, to, part) in [
        (
            "series = \"7.3\"",
            "series = \"seven\"",
            "`seven` is not a kernel series",
        ),
        (
            "arch = \"amd64\"",
            "arch = \"vax\"",
            "unknown variant `vax`",
        ),
        (
            "arch = \"amd64\"",
            "flavour = \"cloud\"",
            "unknown field `flavour`",
        ),
        ("modules = []", "", "missing field `modules`"),
        (
            "series = \"7.3\"",
            "series = \"7.2\"",
            "version 7.3.4-1~bpo13+1 is of series 7.3",
        ),
        ("sha256 = \"0011", "sha256 = \"XX11", "is no sha256"),
        ("sha256 = \"0011", "sha256 = \"11", "is no sha256"),
        ("size_bytes = 13604064", "size_bytes = 0", "size_bytes is 0"),
        ("size_bytes = 13604064", "size_bytes = -1", "invalid value"),
        (
            "suite = \"trixie-backports\"",
            "suite = \"sid\"",
            "not among archive.suites",
        ),
        (
            "linux-binary-7.3.4+deb13-cloud-amd64",
            "-o=x",
            "is no package name",
        ),
        (
            "linux-binary-7.3.4+deb13-cloud-amd64",
            "vim",
            "is not a amd64 kernel",
        ),
        ("\"virtio_pci\"", "\"../virtio\"", "is no module name"),
        (
            "[\"trixie\", \"trixie-backports\"]",
            "[]",
            "archive.suites is empty",
        ),
        ("[archive]", "[archive", "TOML parse error"),
    ] {
        let error = error_after(from, to);
        assert!(error.contains(part), "{to}: {error}");
        assert!(
            error.starts_with("kernel lock kernels.toml is not valid"),
            "{error}"
        );
    }
}

#[test]
fn an_error_names_the_kernel_it_is_about() {
    let error = error_after("sha256 = \"0011", "sha256 = \"XX11");
    assert!(error.contains("kernel 7.3 amd64: "), "{error}");
}

#[test]
fn a_series_that_appears_twice_is_an_error() {
    let (_, second) = GOOD.split_at(GOOD.rfind("[[kernel]]").unwrap());
    let error = format!("{:#}", parse(&format!("{GOOD}{second}")).unwrap_err());
    assert!(error.contains("kernel 6.12 amd64 appears twice"), "{error}");
}

#[test]
fn a_lock_that_is_missing_says_which_file() {
    let error = Lock::load(Path::new("/nonexistent")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("/nonexistent/vm-images/kernels.toml")
    );
}

#[test]
fn the_lock_of_this_repository_has_the_eleven_series() {
    let lock = Lock::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let series: Vec<String> = lock.series().map(|s| s.to_string()).collect();
    let matrix = "5.10 6.1 6.12 6.16 6.17 6.18 6.19 7.0 7.1 7.2 7.3";
    assert_eq!(series.join(" "), matrix);
}
