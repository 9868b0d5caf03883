//! The program itself, without privileges: what it prints and how it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The types of a kernel, as far as our sensors look at them.
fn btf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../vm-images/btf")
}

/// An object as a file.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    // Tests run at the same time: each writes its own file.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("test").replace("::", "_");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// An object of the corpus.
fn object(name: &str) -> PathBuf {
    let bytes = trapline_corpus::object(name).unwrap();
    file(&format!("{name}.bpf.o"), bytes)
}

fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trapline"));
    for argument in arguments {
        command.arg(argument.as_ref());
    }
    command.output().unwrap()
}

/// What was printed, and the exit code.
fn said(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (text(&output.stdout), text(&output.stderr), code)
}

#[track_caller]
fn expect(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn a_missing_field_is_named_with_its_line_and_what_is_like_it() {
    let output = run(&[
        &"check",
        &object("core_missing"),
        &"--btf",
        &btf().join("6.12.btf"),
    ]);
    let (out, _, code) = said(&output);
    assert_eq!(code, 1, "{out}");
    expect(
        &out,
        &[
            "absent, must be guarded: struct task_struct.exit_coode, byte offset",
            "program unguarded, instruction ",
            "core_missing.bpf.c:16: code = BPF_CORE_READ(task, exit_coode);",
            "struct task_struct has no member exit_coode; there is exit_code",
            "6.12: NOT GOOD",
        ],
    );
}

#[test]
fn a_missing_field_that_is_asked_for_first_is_no_fault() {
    for name in ["core_exists", "core_poison"] {
        let output = run(&[&"check", &object(name), &"--btf", &btf().join("7.3.btf")]);
        let (out, _, code) = said(&output);
        assert_eq!(code, 0, "{out}");
        expect(
            &out,
            &["absent, guarded: struct task_struct.nope_field, byte offset"],
        );
    }
}

#[test]
fn several_kernels_are_compared_in_one_table() {
    let output = run(&[&"check", &object("core_flavours"), &"--btf", &btf()]);
    let (out, ..) = said(&output);
    let line = out.lines().find(|line| line.contains("relocation or hook"));
    let columns: Vec<_> = line.unwrap().split_whitespace().skip(3).collect();
    let series = [
        "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
    ];
    assert_eq!(columns, series);
}

#[test]
fn features_come_with_the_version_that_brought_them() {
    let process = file(
        "process.bpf.o",
        &trapline_sensors::objects::PROCESS.unpack().unwrap(),
    );
    let output = run(&[&"check", &process, &"--btf", &btf().join("5.10.btf")]);
    let (out, _, code) = said(&output);
    assert_eq!(code, 0, "{out}");
    expect(
        &out,
        &[
            "needs at least Linux 5.8: BPF_MAP_TYPE_RINGBUF",
            "5.10: good",
        ],
    );
}

#[test]
fn lines_of_json_say_the_same() {
    let output = run(&[
        &"check",
        &"--json",
        &object("core_missing"),
        &"--btf",
        &btf().join("6.12.btf"),
    ]);
    let (out, ..) = said(&output);
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    let absent = lines.iter().find(|line| line["end"] == "absent").unwrap();
    assert_eq!(
        absent["about"],
        "struct task_struct.exit_coode, byte offset"
    );
    assert_eq!(absent["similar"][0], "exit_code");
    assert_eq!(absent["line"], 16);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["good"]),
        (&"verdict".into(), &false.into())
    );
}

#[test]
fn a_hook_that_is_missing_is_named() {
    let output = run(&[
        &"check",
        &object("sections_missing_hooks"),
        &"--btf",
        &btf().join("6.12.btf"),
    ]);
    let (out, _, code) = said(&output);
    assert_eq!(code, 1, "{out}");
    expect(&out, &["no hook: fentry/nope_function, program "]);
}

#[test]
fn what_is_no_object_is_an_error_and_not_the_end() {
    let bad = file("bad.o", b"\x7fELF and then nothing");
    let missing = Path::new("/nonexistent/missing.o");
    let good = object("core_exists");
    let output = run(&[
        &"check",
        &bad,
        &missing,
        &good,
        &"--btf",
        &btf().join("6.12.btf"),
    ]);
    let (out, err, code) = said(&output);
    assert_eq!(code, 1);
    expect(&err, &["bad.o: ", "/nonexistent/missing.o: No such file"]);
    expect(&out, &["core_exists.bpf.o: 1 programs"]);
}

#[test]
fn what_is_no_btf_is_an_error() {
    let bad = file("bad.btf", b"nothing");
    let output = run(&[&"check", &object("core_exists"), &"--btf", &bad]);
    let (_, err, code) = said(&output);
    assert_eq!(code, 1);
    expect(&err, &["bad.btf", "too few for a BTF header"]);
}

#[test]
fn values_that_a_variable_cannot_hold_are_refused_before_anything_is_loaded() {
    let poison = object("core_poison");
    for (setting, reason) in [
        ("enabled=2", "2 is not from 0 to 1"),
        ("enabled=maybe", "maybe is no number"),
        ("disabled=1", "no variable disabled; there are enabled"),
    ] {
        let output = run(&[&"load", &poison, &"--set", &setting]);
        let (out, err, code) = said(&output);
        assert_eq!((code, out.as_str()), (1, ""), "{setting}: {err}");
        expect(&err, &[reason]);
    }
    let (_, err, code) = said(&run(&[&"load", &poison, &"--map", &"nope:entries=1"]));
    assert_eq!(code, 1);
    expect(&err, &["no map nope"]);
}

#[test]
fn who_reads_the_output_may_go_before_its_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trapline"))
        .args(["check", "--json"])
        .arg(object("core_many"))
        .arg("--btf")
        .arg(btf())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (_, err, code) = said(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (1, ""));
}

#[test]
fn settings_of_another_form_are_wrong_arguments() {
    for arguments in [["--set", "enabled"], ["--map", "events:size=1"]] {
        let [option, value] = arguments;
        let output = run(&[&"load", &"x.o", &option, &value]);
        let (_, err, code) = said(&output);
        assert_eq!(code, 2, "{err}");
        expect(&err, &["not of the form"]);
    }
}

#[test]
fn a_minimised_btf_stands_for_the_one_it_was_made_from() {
    let object = object("core_flavours");
    let made = file("made.btf", b"");
    let whole = btf().join("7.3.btf");
    let output = run(&[&"btf", &"min", &object, &"--btf", &whole, &"-o", &made]);
    let (out, err, code) = said(&output);
    assert_eq!(code, 0, "{err}");
    let size = std::fs::metadata(&made).unwrap().len();
    expect(&out, &[&format!("made.btf: {size} bytes")]);
    assert!(size < std::fs::metadata(&whole).unwrap().len());
    let check = |btf: &Path| {
        let output = run(&[&"check", &"--json", &object, &"--btf", &btf]);
        let (out, ..) = said(&output);
        let lines = out.lines().filter(|line| line.contains("\"relocation\""));
        let lines = lines.map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<serde_json::Value> = lines.collect();
        let ends = lines
            .iter()
            .map(|line| (line["insn"].clone(), line["value"].clone()));
        ends.collect::<Vec<_>>()
    };
    assert_eq!(check(&made), check(&whole));
}

#[test]
fn a_folder_of_btf_becomes_a_folder() {
    let made = file("folder", b"").with_file_name("made");
    let object = object("core_exists");
    let output = run(&[&"btf", &"min", &object, &"--btf", &btf(), &"-o", &made]);
    let (out, err, code) = said(&output);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.lines().count(), 11);
    assert_eq!(std::fs::read_dir(&made).unwrap().count(), 11);
}

/// None of these gets as far as to isolate anything.
#[test]
fn isolating_is_refused_before_anything_is_touched() {
    for (words, code, why) in [
        (
            &["--allow", "10.0.0.0/33"][..],
            2,
            "at character 10: /33 is more than the 32 bits",
        ),
        (
            &["--allow", "10.0.0.5:22"],
            2,
            "the protocol is missing: 22/tcp or 22/udp",
        ),
        (&["--for", "soon"], 2, "is no duration such as 90s"),
        (&["--release", "--force"], 2, "cannot be used with"),
        (&[], 1, "there would be no way back"),
        (&["--while-running"], 1, "there would be no way back"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trapline"));
        let output = command.arg("isolate").args(words).output().unwrap();
        let (_, err, found) = said(&output);
        assert_eq!(found, code, "{words:?}: {err}");
        expect(&err, &[why]);
    }
}

#[test]
fn a_session_that_isolation_would_cut_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_trapline"))
        .args(["isolate", "--allow", "10.0.0.0/8"])
        .env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22")
        .output()
        .unwrap();
    let (_, err, code) = said(&output);
    assert_eq!(code, 1, "{err}");
    expect(
        &err,
        &["this session comes from 192.0.2.7, which no rule allows"],
    );
}

#[test]
fn a_policy_with_a_mistake_is_refused_with_its_line_before_anything_is_loaded() {
    let policy = file(
        "policy.toml",
        b"families = [\"file\"]\n\n[capture]\nenv = \"all\"\n",
    );
    for command in ["watch", "isolate"] {
        let (out, err, code) = said(&run(&[&command, &"--policy", &policy]));
        assert_eq!((out.as_str(), code), ("", 1), "{err}");
        let line = "policy.toml:4:1: there is no capture.env; there are environment, payload_bytes";
        expect(&err, &[line]);
    }
}

#[test]
fn a_kind_that_there_is_not_is_a_wrong_argument() {
    let (_, err, code) = said(&run(&[&"watch", &"--kind", &"exec,creat"]));
    assert_eq!(code, 2);
    expect(
        &err,
        &["there is no kind creat; there are fork, exec, exit, file_create"],
    );
}
