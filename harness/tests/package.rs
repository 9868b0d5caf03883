//! The Debian package, made by `ci/package` of the static program that guests run: what
//! is in it, and that it would work once installed. Nothing is installed for that.
//! And the archives of the crates that ship; that they build `ci/test` has cargo verify.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use trapline_harness::host;
use trapline_harness::images::guest;

const SOURCE: &str = "bpf-src/src/bin/trapline";
const UNIT: &str = "usr/lib/systemd/system/trapline.service";
const BASH: &str = "usr/share/bash-completion/completions/trapline";
/// Everything but manual pages, with its permissions.
const FILES: [(&str, &str); 7] = [
    ("etc/trapline/policy.toml", "-rw-r--r--"),
    ("usr/bin/trapline", "-rwxr-xr-x"),
    (UNIT, "-rw-r--r--"),
    (BASH, "-rw-r--r--"),
    ("usr/share/doc/trapline/copyright", "-rw-r--r--"),
    (
        "usr/share/fish/vendor_completions.d/trapline.fish",
        "-rw-r--r--",
    ),
    ("usr/share/zsh/vendor-completions/_trapline", "-rw-r--r--"),
];
/// The crates that ship: their folders, and what their archives have beside modules and
/// what cargo adds, by the first parts of the paths.
const ARCHIVES: [(&str, &str, &[&str]); 3] = [
    (
        "trapline-loader",
        "loader",
        &["LICENSE", "README.md", "examples", "src"],
    ),
    (
        "trapline-sensors",
        "bpf-src",
        &["LICENSE", "README.md", "c", "schema", "src"],
    ),
    ("trapline", SOURCE, &["LICENSE", "README.md", "package"]),
];
/// What cargo adds.
const ADDED: [&str; 4] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
];
/// What `ci/package` puts around the program, and nobody else can use.
const OF_DEBIAN: [&str; 5] = ["control", "conffiles", "postinst", "postrm", "prerm"];
/// Of 100, as `systemd-analyze security` counts what a service may do; it is 37.
const EXPOSURE_MOST: &str = "38";

/// A package and what is in it, made once for all tests.
struct Package {
    program: PathBuf,
    deb: PathBuf,
    root: PathBuf,
}

fn package() -> &'static Package {
    static PACKAGE: OnceLock<Package> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let program = guest::build_program("x86_64").expect("the program builds");
        let folder = host::output_dir().join("package");
        let (deb, root) = (folder.join("trapline.deb"), folder.join("root"));
        let _ = fs::remove_dir_all(&root);
        made(&deb, &program);
        ran(Command::new("dpkg-deb")
            .arg("--raw-extract")
            .args([&deb, &root]));
        Package { program, deb, root }
    })
}

fn made(deb: &Path, program: &Path) {
    let script = host::workspace_root().join("ci/package");
    ran(Command::new(script).args([deb, program]));
}

fn output(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}: run ci/setup"))
}

/// What a command prints that ends well.
fn ran(command: &mut Command) -> String {
    let output = output(command);
    let err = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{out}{err}");
    out.into_owned()
}

/// The pages, by the names that they have in the package.
fn pages() -> Vec<String> {
    let folder = host::workspace_root().join(SOURCE).join("package/man");
    let pages = fs::read_dir(folder).expect("the folder of pages");
    let names = pages.map(|page| page.expect("a page").file_name());
    let names = names.map(|name| format!("usr/share/man/man1/{}.gz", name.display()));
    names.collect()
}

#[test]
fn the_package_has_these_files_and_all_are_roots() {
    let listing = ran(Command::new("dpkg-deb")
        .arg("--contents")
        .arg(&package().deb));
    let mut found = BTreeMap::new();
    for line in listing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (mode, owner, path) = (words[0], words[1], words[5]);
        assert_eq!(owner, "root/root", "{line}");
        match path.strip_suffix('/') {
            Some(_) => assert_eq!(mode, "drwxr-xr-x", "{line}"),
            None => drop(found.insert(path.trim_start_matches("./").to_owned(), mode)),
        }
    }
    let files = FILES.iter().map(|(path, mode)| ((*path).to_owned(), *mode));
    let pages = pages().into_iter().map(|path| (path, "-rw-r--r--"));
    assert_eq!(found, files.chain(pages).collect());
    let conffiles = fs::read_to_string(package().root.join("DEBIAN/conffiles")).unwrap();
    assert_eq!(conffiles, "/etc/trapline/policy.toml\n");
}

#[test]
fn the_control_file_is_about_this_program() {
    let field = |name: &str| {
        let mut command = Command::new("dpkg-deb");
        let text = ran(command.arg("--field").arg(&package().deb).arg(name));
        text.trim_end().to_owned()
    };
    assert_eq!(field("Package"), "trapline");
    let version = ran(Command::new(&package().program).arg("--version"));
    assert_eq!(format!("trapline {}", field("Version")), version.trim_end());
    assert_eq!(field("Architecture"), "amd64");
    let kib: u64 = field("Installed-Size").parse().unwrap();
    let program = fs::metadata(&package().program).unwrap().len() / 1024;
    assert!((program..program + 300).contains(&kib), "{kib} KiB");
}

#[test]
fn the_same_program_makes_the_same_bytes() {
    let again = host::output_dir().join("package/again.deb");
    made(&again, &package().program);
    assert_eq!(fs::read(again).unwrap(), fs::read(&package().deb).unwrap());
}

#[test]
fn a_program_that_needs_libraries_is_refused() {
    let script = host::workspace_root().join("ci/package");
    let deb = host::output_dir().join("package/none.deb");
    let this = std::env::current_exe().unwrap();
    let output = output(Command::new(script).args([&deb, &this]));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && err.contains("is not static"),
        "{err}"
    );
    assert!(!deb.exists());
}

/// The unit with the program where the package was taken apart.
fn unit() -> (PathBuf, String) {
    let text = fs::read_to_string(package().root.join(UNIT)).unwrap();
    let installed = package().root.join("usr/bin/trapline");
    let text = text.replace("/usr/bin/trapline", &installed.display().to_string());
    let path = host::output_dir().join("package/trapline.service");
    host::write_whole(&path, text.as_bytes()).unwrap();
    (path, text)
}

#[test]
fn systemd_takes_the_unit_and_finds_it_confined() {
    let (path, _) = unit();
    let mut verify = Command::new("systemd-analyze");
    let output = output(verify.args(["verify", "--man=no"]).arg(&path));
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("trapline"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
    let mut security = Command::new("systemd-analyze");
    security.args([
        "security",
        "--no-pager",
        "--offline=true",
        "--threshold",
        EXPOSURE_MOST,
    ]);
    ran(security.arg(&path));
}

#[test]
fn the_unit_names_what_the_package_has() {
    let (_, text) = unit();
    let lines = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let command = lines("ExecStart=").unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[1..4], ["watch", "--json", "--policy"]);
    let policy = package().root.join(words[4].trim_start_matches('/'));
    let example = host::workspace_root()
        .join(SOURCE)
        .join("watch/policy/example.toml");
    assert_eq!(fs::read(policy).unwrap(), fs::read(example).unwrap());
    let page = lines("Documentation=man:").unwrap();
    let page = page.trim_end_matches("(1)");
    let page = format!("usr/share/man/man1/{page}.1.gz");
    assert!(pages().contains(&page), "{page}");
}

#[test]
fn bash_completes_commands_and_options() {
    let script = package().root.join(BASH);
    let complete = |words: &str| {
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _trapline trapline \"${{COMP_WORDS[COMP_CWORD]}}\" \
             \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; echo \"${{COMPREPLY[*]}}\"",
            script.display()
        );
        ran(Command::new("bash").args(["--norc", "-c", &script]))
    };
    assert_eq!(complete("trapline wat").trim(), "watch");
    assert_eq!(
        complete("trapline watch --exclude-d").trim(),
        "--exclude-descendants"
    );
}

#[test]
fn what_dpkg_runs_is_a_script_that_a_shell_takes() {
    for name in ["postinst", "prerm", "postrm"] {
        let script = package().root.join("DEBIAN").join(name);
        ran(Command::new("sh").arg("-n").arg(&script));
        let text = fs::read_to_string(&script).unwrap();
        // Where systemd does not run, as in a chroot, nothing is to be done.
        assert!(text.contains("set -e\n") && text.contains("-d /run/systemd/system"));
    }
}

fn archived(name: &str) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "package",
        "--list",
        "--offline",
        "--allow-dirty",
        "-p",
        name,
    ]);
    let list = ran(cargo.current_dir(host::workspace_root()));
    list.lines().map(str::to_owned).collect()
}

#[test]
fn archives_of_crates_have_their_licence_and_no_tests() {
    for (name, _, expected) in ARCHIVES {
        let archived = archived(name);
        let is_module = |top: &str| {
            top.ends_with(".rs") || archived.iter().any(|path| *path == format!("{top}.rs"))
        };
        let tops = archived.iter().map(|path| path.split('/').next().unwrap());
        let tops: BTreeSet<&str> = tops
            .filter(|top| !is_module(top) && !ADDED.contains(top))
            .collect();
        assert_eq!(tops, expected.iter().copied().collect(), "{name}");
        for script in OF_DEBIAN {
            assert!(!archived.contains(&format!("package/{script}")), "{script}");
        }
    }
}

#[test]
fn licences_in_archives_are_the_one_at_the_root() {
    let root = host::workspace_root();
    let licence = fs::read(root.join("LICENSE")).unwrap();
    for (name, folder, _) in ARCHIVES {
        let its_own = fs::read(root.join(folder).join("LICENSE")).unwrap();
        assert!(its_own == licence, "{name}");
    }
}

#[test]
fn examples_in_archives_need_no_crate_that_stays_here() {
    for (name, folder, _) in ARCHIVES {
        let archived = archived(name).into_iter();
        for path in archived.filter(|path| path.starts_with("examples/")) {
            let text = fs::read_to_string(host::workspace_root().join(folder).join(&path));
            assert!(!text.unwrap().contains("trapline_corpus"), "{path}");
        }
    }
}
