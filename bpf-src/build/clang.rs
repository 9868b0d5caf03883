//! Finding clang and compiling a C file to an eBPF object: what every build
//! script here does. Included by path, as a build script has no library.

use std::env;
use std::path::Path;
use std::process::Command;

/// The clang versions that are known to produce what the loader expects.
const CLANG_VERSIONS: std::ops::RangeInclusive<u32> = 16..=22;
/// The one that is taken where it is there: Debian 12 and 13 both have it, so
/// instruction counts and golden texts do not move with a newer package.
const CLANG_PREFERRED: u32 = 19;

/// A clang and its llvm-objcopy.
pub struct Clang {
    clang: String,
    /// The path of its llvm-objcopy.
    pub objcopy: String,
}

/// The preferred clang, or else the newest suitable one on the PATH.
pub fn find_clang() -> Clang {
    search().unwrap_or_else(|| {
        panic!("no clang from {CLANG_VERSIONS:?} on the PATH: run ci/setup, or install one")
    })
}

fn search() -> Option<Clang> {
    let numbered = [CLANG_PREFERRED]
        .into_iter()
        .chain(CLANG_VERSIONS.rev())
        .map(|version| format!("-{version}"));
    let mut suffixes = numbered.chain([String::new()]);
    suffixes.find_map(|suffix| {
        let found = Clang {
            clang: format!("clang{suffix}"),
            objcopy: format!("llvm-objcopy{suffix}"),
        };
        let runs = |tool: &str| Command::new(tool).arg("--version").output().ok();
        let version = runs(&found.clang)?;
        runs(&found.objcopy)?;
        let text = String::from_utf8_lossy(&version.stdout).into_owned();
        let major = text
            .split("version ")
            .nth(1)?
            .split('.')
            .next()?
            .parse()
            .ok()?;
        CLANG_VERSIONS.contains(&major).then_some(found)
    })
}

/// What becomes of the text of source lines, which the verifier's log quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each build script needs one of them")]
pub enum SourceText {
    /// It is in the object's BTF.
    Kept,
    /// It is nowhere.
    Left,
}

/// Compiles one file for the instruction set `cpu` (`v2`: what all supported
/// kernels have) and strips it of DWARF: the kernel and the loader use BTF.
pub fn compile(clang: &Clang, source: &Path, object: &Path, cpu: &str, text: SourceText) {
    // Names of source files are in the object: the same wherever it is built. Clang looks
    // for a line's text under the name, and is content where there is no such file.
    let named = match text {
        SourceText::Kept => ".",
        SourceText::Left => "absent",
    };
    let (target, headers) = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => ("x86", "x86_64-linux-gnu"),
        Ok("aarch64") => ("arm64", "aarch64-linux-gnu"),
        arch => panic!("no eBPF sensors for the architecture {arch:?}: see c/arch.bpf.h"),
    };
    let folder = env::current_dir().expect("cargo runs build scripts in their package");
    run(Command::new(&clang.clang)
        .args(["-O2", "-g", "--target=bpf", "-Wall", "-Wextra", "-Werror"])
        .arg(format!("-ffile-prefix-map={}={named}", folder.display()))
        // BPF_PROG and its relatives name the context, which few bodies use.
        .arg("-Wno-unused-parameter")
        .arg(format!("-D__TARGET_ARCH_{target}"))
        // <asm/types.h> lies in a folder of the host's architecture; the fixed
        // types in it are the same on all that eBPF runs on.
        .args(["-idirafter", &format!("/usr/include/{headers}")])
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
        .arg(format!("-mcpu={cpu}"))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object));
    run(Command::new(&clang.objcopy).arg("-g").arg(object));
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        status.success(),
        "{command:?} failed; are the headers of libbpf-dev installed?"
    );
}
