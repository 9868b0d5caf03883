//! Tests of modules that come from a package of their own.

use super::*;

/// A package with modules alone; `more` is one of them, which depends on the other.
fn modules_deb(release: &str) -> Vec<u8> {
    let modules = format!("usr/lib/modules/{release}/kernel");
    DebBuilder::new(Packing::Plain)
        .file(&format!("{modules}/more.ko"), &module("other"))
        .file(&format!("{modules}/other.ko"), &module(""))
        .build()
}

fn names(modules: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    modules.iter().map(name).collect()
}

/// The locked kernel, `virtio` wanted at each boot and `more` at some.
fn apart() -> Fixture {
    apart_after(|_| ())
}

/// The same after this has happened to the archive with the modules alone.
fn apart_after(harm: impl FnOnce(&mut FakeArchive)) -> Fixture {
    let mut modules = None;
    let mut fixture = Fixture::with(|archive| {
        let package = format!("linux-modules-{OLD}");
        modules = Some(archive.add(&package, "6.12.1-1", "s", modules_deb(OLD)));
        harm(archive);
        archive.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD))
    });
    fixture.entry.modules = vec!["virtio".to_owned()];
    fixture.entry.spare_modules = vec!["more".to_owned()];
    fixture.entry.modules_package = modules;
    fixture
}

#[test]
fn modules_come_from_a_package_of_their_own_as_well() {
    let mut fixture = apart();
    let kernel = fixture.ensure().unwrap();
    assert_eq!(names(&kernel.modules), ["virtio.ko"]);
    assert_eq!(names(&kernel.spare_modules), ["other.ko", "more.ko"]);
    assert_eq!(fixture.traffic().1, 2);
    assert_eq!(fixture.ensure().unwrap(), kernel);
    // Another choice is made from what is there.
    fixture.entry.spare_modules = vec!["other".to_owned()];
    let other = fixture.ensure().unwrap();
    assert_eq!(names(&other.spare_modules), ["other.ko"]);
    assert_eq!(fixture.traffic().1, 2);
    assert_eq!(fixture.leftovers(), [""; 0]);
}

#[test]
fn a_package_with_modules_of_which_none_is_wanted_is_not_fetched() {
    let mut fixture = apart();
    fixture.entry.modules.clear();
    fixture.entry.spare_modules.clear();
    fixture.ensure().unwrap();
    assert_eq!(fixture.traffic().1, 1);
}

#[test]
fn modules_that_are_not_what_the_lock_says_are_never_used() {
    let fixture = apart_after(FakeArchive::damage);
    let error = format!("{:#}", fixture.ensure().unwrap_err());
    assert!(error.contains("linux-modules-6.12.1"), "{error}");
    assert!(error.contains("it is not used"), "{error}");
    assert_eq!(fixture.store.state(&fixture.entry), State::Absent);
}

#[test]
fn what_stands_in_for_a_vanished_kernel_brings_its_own_modules() {
    let mut gone = None;
    let mut fixture = Fixture::with(|archive| {
        let package = format!("linux-modules-{NEW}");
        archive.add(&package, "6.12.10-1", "newer", modules_deb(NEW));
        let package = format!("linux-image-{NEW}");
        archive.add(&package, "6.12.10-1", "newer", deb(NEW));
        let mut left = FakeArchive::default();
        let package = format!("linux-modules-{OLD}");
        gone = Some(left.add(&package, "6.12.1-1", "s", modules_deb(OLD)));
        left.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD))
    });
    fixture.entry.spare_modules = vec!["more".to_owned()];
    fixture.entry.modules_package = gone;
    let kernel = fixture.ensure().unwrap();
    assert_eq!(kernel.release, NEW);
    assert_eq!(names(&kernel.spare_modules), ["other.ko", "more.ko"]);
    let traffic = fixture.traffic();
    assert_eq!(fixture.ensure().unwrap(), kernel);
    assert_eq!(fixture.traffic(), traffic);
}
