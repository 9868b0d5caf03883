//! Tests of the cache, with an archive in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::kernels::Arch;
use crate::kernels::testing::{DebBuilder, FakeArchive, Packing, bzimage, module, vmlinux};
use crate::progress::Captured;

const OLD: &str = "6.12.1-cloud-amd64";
const NEW: &str = "6.12.10-cloud-amd64";

fn deb(release: &str) -> Vec<u8> {
    let kernel = bzimage(release, Packing::Zstd, &vmlinux(5000, release.as_bytes()));
    let modules = format!("lib/modules/{release}/kernel");
    DebBuilder::new(Packing::Plain)
        .file(&format!("boot/vmlinuz-{release}"), &kernel)
        .file(&format!("boot/config-{release}"), b"CONFIG_BPF=y\n")
        .file(&format!("{modules}/virtio_pci.ko"), &module("virtio"))
        .file(&format!("{modules}/virtio.ko"), &module(""))
        .build()
}

/// A cache folder, an entry, and an archive with counters.
struct Fixture {
    folder: tempfile::TempDir,
    entry: Entry,
    asked: Arc<AtomicUsize>,
    downloads: Arc<AtomicUsize>,
    captured: Captured,
    store: Store,
}

impl Fixture {
    /// The archive has the locked kernel.
    fn new() -> Self {
        Self::with(|archive| archive.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD)))
    }

    fn with(fill: impl FnOnce(&mut FakeArchive) -> Pin) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = FakeArchive::default();
        let pin = fill(&mut archive);
        let entry = Entry {
            series: Series::new(6, 12),
            arch: Arch::Amd64,
            pin,
            modules: vec!["virtio_pci".to_owned()],
            spare_modules: Vec::new(),
            modules_package: None,
            suites: vec!["s".to_owned(), "newer".to_owned()],
        };
        let (asked, downloads) = (archive.asked.clone(), archive.downloads.clone());
        let store = Store::new(folder.path().to_owned(), Box::new(archive));
        Self {
            folder,
            entry,
            asked,
            downloads,
            captured: Captured::default(),
            store,
        }
    }

    fn ensure(&self) -> Result<Kernel> {
        self.store
            .ensure(&self.entry, &Progress::lines(self.captured.clone()))
    }

    /// How often the archive was asked, and how often it delivered.
    fn traffic(&self) -> (usize, usize) {
        (
            self.asked.load(Ordering::SeqCst),
            self.downloads.load(Ordering::SeqCst),
        )
    }

    fn entry_folder(&self) -> PathBuf {
        self.folder.path().join(&self.entry.pin.sha256)
    }

    /// Files and folders that have no business in the cache.
    fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.contains("download") || name.contains("unpack"))
            .collect()
    }
}

#[test]
fn a_kernel_is_fetched_once_and_then_needs_no_archive() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.state(&fixture.entry), State::Absent);
    let kernel = fixture.ensure().unwrap();
    assert_eq!(kernel.release, OLD);
    assert_eq!(kernel.version, "6.12.1-1");
    assert_eq!(
        fs::read(kernel.btf.as_ref().unwrap()).unwrap(),
        OLD.as_bytes()
    );
    assert!(fs::read(&kernel.vmlinux).unwrap() == vmlinux(5000, OLD.as_bytes()));
    assert!(kernel.config.as_ref().unwrap().ends_with("config"));
    let order: Vec<_> = kernel
        .modules
        .iter()
        .map(|m| m.file_name().unwrap())
        .collect();
    assert_eq!(order, ["virtio.ko", "virtio_pci.ko"]);
    let traffic = fixture.traffic();
    assert_eq!(traffic, (1, 1));
    assert_eq!(fixture.ensure().unwrap(), kernel);
    assert_eq!(fixture.traffic(), traffic);
    assert!(matches!(
        fixture.store.state(&fixture.entry),
        State::Ready {
            replaced: false,
            ..
        }
    ));
    assert_eq!(fixture.leftovers(), [""; 0]);
}

#[test]
fn a_file_changed_in_the_cache_is_detected_said_and_put_right_offline() {
    let fixture = Fixture::new();
    let kernel = fixture.ensure().unwrap();
    let good = fs::read(&kernel.vmlinux).unwrap();
    let modified = fs::metadata(&kernel.vmlinux).unwrap().modified().unwrap();
    let mut bad = good.clone();
    bad[4999] ^= 1;
    fs::write(&kernel.vmlinux, bad).unwrap();
    // Size and time are as before: only the content gives it away.
    let file = fs::File::options()
        .append(true)
        .open(&kernel.vmlinux)
        .unwrap();
    file.set_modified(modified).unwrap();
    assert!(matches!(
        fixture.store.state(&fixture.entry),
        State::Corrupt(_)
    ));
    let again = fixture.ensure().unwrap();
    assert!(fs::read(&again.vmlinux).unwrap() == good);
    assert_eq!(
        fixture.traffic(),
        (1, 1),
        "the package in the entry is still good"
    );
    let said = fixture.captured.text();
    assert!(
        said.contains("is corrupt and is made again: vmlinux has sha256"),
        "{said}"
    );
}

#[test]
fn an_entry_whose_package_is_damaged_too_is_fetched_again() {
    let damage: [fn(&Path); 4] = [
        |entry| fs::write(entry.join("vmlinux"), b"").unwrap(),
        |entry| fs::remove_file(entry.join("virtio.ko")).unwrap(),
        |entry| fs::write(entry.join("manifest.json"), b"{").unwrap(),
        |entry| fs::remove_file(entry.join("manifest.json")).unwrap(),
    ];
    for harm in damage {
        let fixture = Fixture::new();
        let kernel = fixture.ensure().unwrap();
        harm(&fixture.entry_folder());
        fs::write(fixture.entry_folder().join(PACKAGES[0]), b"!<arch>\n").unwrap();
        assert_eq!(fixture.ensure().unwrap(), kernel);
        assert_eq!(fixture.traffic().1, 2);
        assert!(
            fixture.captured.text().contains("is corrupt"),
            "{}",
            fixture.captured.text()
        );
        assert!(fs::read(&kernel.vmlinux).unwrap() == vmlinux(5000, OLD.as_bytes()));
    }
}

#[test]
fn a_manifest_that_points_outside_its_entry_is_not_followed() {
    let fixture = Fixture::new();
    fixture.ensure().unwrap();
    let path = fixture.entry_folder().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"vmlinux\"", "\"../../vmlinux\"")).unwrap();
    fixture.ensure().unwrap();
    let said = fixture.captured.text();
    assert!(
        said.contains("`../../vmlinux`, which is no file name"),
        "{said}"
    );
}

#[test]
fn other_modules_in_the_lock_need_no_network() {
    let mut fixture = Fixture::new();
    fixture.ensure().unwrap();
    fixture.entry.modules = vec!["virtio".to_owned()];
    assert_eq!(fixture.ensure().unwrap().modules.len(), 1);
    assert_eq!(fixture.traffic(), (1, 1));
}

#[test]
fn a_download_that_is_not_what_the_lock_says_is_never_used() {
    let fixture = Fixture::with(|archive| {
        let pin = archive.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD));
        archive.damage();
        pin
    });
    let error = format!("{:#}", fixture.ensure().unwrap_err());
    assert!(
        error.starts_with("kernel 6.12 amd64: linux-image-6.12.1"),
        "{error}"
    );
    assert!(error.contains("it is not used"), "{error}");
    assert_eq!(fixture.store.state(&fixture.entry), State::Absent);
    assert_eq!(fixture.leftovers(), [""; 0]);
}

#[test]
fn an_archive_with_other_bytes_under_the_locked_version_is_an_error() {
    let fixture = Fixture::with(|archive| {
        let mut pin = archive.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD));
        pin.sha256 = "cd".repeat(32);
        pin
    });
    let error = format!("{:#}", fixture.ensure().unwrap_err());
    assert!(
        error.contains("cargo harness kernels update 6.12"),
        "{error}"
    );
    assert_eq!(fixture.traffic().1, 0);
}

/// The locked kernel is gone; two newer ones are in another suite.
fn vanished() -> Fixture {
    Fixture::with(|archive| {
        let mut gone = FakeArchive::default();
        let pin = gone.add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD));
        archive.add(
            "linux-image-6.12.9-cloud-amd64",
            "6.12.9-1",
            "newer",
            deb(OLD),
        );
        archive.add(
            &format!("linux-image-{NEW}"),
            "6.12.10-1",
            "newer",
            deb(NEW),
        );
        archive.add(
            "linux-image-6.16.1-cloud-amd64",
            "6.16.1-1",
            "newer",
            deb(NEW),
        );
        pin
    })
}

#[test]
fn a_vanished_pin_becomes_the_newest_of_its_series_loudly() {
    let fixture = vanished();
    let kernel = fixture.ensure().unwrap();
    assert_eq!(kernel.release, NEW);
    let said = fixture.captured.text();
    let warning = said
        .lines()
        .find(|line| line.starts_with("warning: "))
        .unwrap();
    for part in [
        "linux-image-6.12.1-cloud-amd64 6.12.1-1 has left the archive",
        "linux-image-6.12.10-cloud-amd64 6.12.10-1",
        "cargo harness kernels update 6.12",
    ] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn what_stands_in_for_a_vanished_pin_is_cached_too_and_said_every_time() {
    let fixture = vanished();
    let kernel = fixture.ensure().unwrap();
    let traffic = fixture.traffic();
    assert_eq!(fixture.ensure().unwrap(), kernel);
    assert_eq!(fixture.traffic(), traffic);
    let said = fixture.captured.text();
    assert_eq!(said.matches("has left the archive").count(), 2, "{said}");
    assert!(matches!(
        fixture.store.state(&fixture.entry),
        State::Ready { replaced: true, .. }
    ));
}

#[test]
fn a_series_that_left_the_archive_altogether_is_an_error() {
    let fixture = Fixture::with(|_| {
        FakeArchive::default().add(&format!("linux-image-{OLD}"), "6.12.1-1", "s", deb(OLD))
    });
    let error = format!("{:#}", fixture.ensure().unwrap_err());
    assert!(error.contains("no kernel 6.12 is in s, newer"), "{error}");
}

#[test]
fn several_at_once_fetch_only_once() {
    let fixture = Fixture::new();
    thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| fixture.ensure().unwrap()))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap().release, OLD);
        }
    });
    assert_eq!(fixture.traffic(), (1, 1));
}

#[test]
fn what_a_killed_process_left_behind_is_cleared_away() {
    let fixture = Fixture::new();
    for purpose in ["download", "unpack"] {
        let left = fixture
            .folder
            .path()
            .join(format!("{}.{purpose}", fixture.entry.pin.sha256));
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("half.deb"), b"half").unwrap();
    }
    let kernel = fixture.ensure().unwrap();
    assert!(!kernel.vmlinux.with_file_name("half.deb").exists());
    assert_eq!(fixture.leftovers(), [""; 0]);
}

#[path = "store_tests/modules.rs"]
mod modules;
