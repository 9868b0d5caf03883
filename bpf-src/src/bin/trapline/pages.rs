//! The manual pages and the completions of shells, out of the arguments: files in
//! `package/`, which the Debian package takes as they are. The program carries none of
//! what makes them, so this is a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Arguments;

/// Shells, and the files in which they look for the completions of a program.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "trapline.bash"),
    (Shell::Zsh, "_trapline"),
    (Shell::Fish, "trapline.fish"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("package")
}

/// Every file by its path below `package/`.
fn generated() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut command = Arguments::command();
    for (shell, name) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, "trapline", &mut text);
        files.insert(format!("completions/{name}"), text);
    }
    // A page for `help` would say nothing that the others do not.
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    pages(&command, &mut files);
    files
}

/// The page of a command, and those of the commands below it.
fn pages(command: &clap::Command, files: &mut BTreeMap<String, Vec<u8>>) {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let (name, mut text) = (name.to_owned(), Vec::new());
    let source = concat!("trapline ", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.clone()).source(source);
    let page = page.manual("Trapline");
    page.render(&mut text).expect("memory takes it");
    files.insert(format!("man/{name}.1"), text);
    for command in command.get_subcommands() {
        pages(command, files);
    }
}

/// What is in the folder, by the same paths.
fn kept() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for below in ["completions", "man"] {
        for entry in fs::read_dir(folder().join(below)).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap().to_string_lossy();
            files.insert(format!("{below}/{name}"), fs::read(&path).expect("a file"));
        }
    }
    files
}

/// Where they differ, they are written anew: look at the difference, and keep it.
#[test]
fn pages_and_completions_are_those_of_the_arguments() {
    let (generated, kept) = (generated(), kept());
    let mut wrong = Vec::new();
    for (path, text) in &generated {
        if kept.get(path) != Some(text) {
            let full = folder().join(path);
            fs::create_dir_all(full.parent().unwrap()).expect("a folder");
            fs::write(&full, text).expect("a file that can be written");
            wrong.push(format!("{path}: written anew"));
        }
    }
    for path in kept.keys().filter(|path| !generated.contains_key(*path)) {
        fs::remove_file(folder().join(path)).expect("a file that can be deleted");
        wrong.push(format!("{path}: deleted"));
    }
    let wrong = wrong.join("\n");
    assert!(wrong.is_empty(), "see `git diff`, and commit it:\n{wrong}");
}

#[test]
fn every_command_has_a_page_and_every_option_is_on_it_and_completed() {
    let files = generated();
    let text = |path: &str| String::from_utf8_lossy(&files[path]).replace('\\', "");
    let completions = COMPLETIONS.map(|(_, name)| text(&format!("completions/{name}")));
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut left: Vec<&clap::Command> = vec![&command];
    let mut seen = 0;
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands());
        let name = command.get_display_name().unwrap_or(command.get_name());
        let page = text(&format!("man/{name}.1"));
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{option}")), "{name}: {option}");
            for completion in &completions {
                assert!(completion.contains(option), "{name}: {option}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, files.len() - COMPLETIONS.len());
    assert!(seen > 7, "only {seen} pages");
}
