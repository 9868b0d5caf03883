use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The documentation, which is a policy.
const EXAMPLE: &str = include_str!("example.toml");

#[track_caller]
fn wrong(text: &str, said: &str) {
    let error = Policy::parse(text).unwrap_err();
    assert_eq!(error, said, "{text}");
}

#[test]
fn the_example_says_the_defaults() {
    let example = Policy::parse(EXAMPLE).unwrap();
    let options = trapline_sensors::Options::default();
    assert_eq!(example.families, Family::ALL);
    assert_eq!(example.ring_bytes, Some(options.ring_bytes));
    assert_eq!(example.wake_bytes, Some(options.wake_bytes));
    assert_eq!(example.touch_window, Some(options.file.touch_window));
    assert_eq!(example.touches, Some(options.file.touches));
    assert_eq!(example.payload_bytes, Some(options.network.payload_bytes));
    assert_eq!(example.loopback, options.network.loopback);
    let none = Policy::default();
    assert_eq!(example.environment, none.environment);
    assert_eq!(example.exclude_descendants, none.exclude_descendants);
    assert_eq!((example.dns, example.mounts), (none.dns, none.mounts));
}

#[test]
fn what_the_example_has_in_comments_is_right_as_well() {
    let text = EXAMPLE
        .replace("# kinds", "kinds")
        .replace("# nfs4", "nfs4");
    let policy = Policy::parse(&text.replace("# \"/srv", "\"/srv")).unwrap();
    assert_eq!(policy.kinds.len(), 5);
    assert_eq!(policy.mounts.len(), 2);
    // The place has the last word.
    assert_eq!(policy.mounts[1].which, Which::At("/srv/media".to_owned()));
}

#[test]
fn everything_can_be_said() {
    let policy = Policy::parse(
        r#"
        families = ["file"]
        exclude = { pids = [7], exes = ["/bin/x"], descendants = true }
        capture = { environment = "values", payload_bytes = 0, loopback = true }
        dedup.touch_window_ms = 5
        rings.size_bytes = 65536
        isolate = { allow = ["10.0.0.0/8:22/tcp"], dns = true }
        "#,
    )
    .unwrap();
    assert_eq!(policy.families, [Family::File]);
    assert_eq!(policy.exclude_pids, [7]);
    assert_eq!(policy.exclude_exes, ["/bin/x"]);
    assert!(policy.exclude_descendants && policy.loopback && policy.dns);
    assert_eq!(policy.environment, Environment::Values);
    assert_eq!(policy.touch_window, Some(Duration::from_millis(5)));
    assert_eq!(policy.ring_bytes, Some(65536));
    assert_eq!(policy.allow[0].to_string(), "10.0.0.0/8:22/tcp");
    assert!(Policy::parse("").unwrap().families.is_empty());
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    wrong(
        "kinds = [\n\n",
        "3:1: the file ends here, and something is missing",
    );
    wrong("\nfamilies = file", "2:12: text has to stand in quotes");
    wrong("kinds = []\nkinds = []", "2:1: duplicate key: `kinds`");
    wrong("[rings]\n[rings]", "2:1: redefinition of table `rings`");
    wrong("\n\n  = 7", "3:3: expected a table key, found an equals");
    wrong(
        "kinds = [\"fork\n\"]",
        "1:15: invalid character in string: `\\n`",
    );
}

#[test]
fn a_key_that_there_is_not_is_named_with_its_line() {
    let known = "families, kinds, exclude, mounts, capture, dedup, rings, isolate";
    wrong(
        "\nkind = []",
        &format!("2:1: there is no kind; there are {known}"),
    );
    let known = "pids, exes, descendants";
    wrong(
        "[exclude]\nexes = []\n comm = 1",
        &format!("3:2: there is no exclude.comm; there are {known}"),
    );
    wrong(
        "[dedup]\ntouches = 5\nwindow = 1",
        "3:1: there is no dedup.window; there are touch_window_ms, touches",
    );
}

#[test]
fn a_value_of_another_type_is_named_with_its_line() {
    wrong(
        "\nfamilies = 7",
        "2:12: families has to be a list, and is integer",
    );
    wrong(
        "kinds = [\n7]",
        "2:1: kinds has to be text in quotes, and is integer",
    );
    // Columns are characters.
    wrong(
        "[exclude]\nexes = [\"/é\", 7]",
        "2:15: exclude.exes has to be text in quotes, and is integer",
    );
    wrong("rings = 7", "1:9: rings has to be a table, and is integer");
    wrong(
        "[capture]\nloopback = \"yes\"",
        "2:13: capture.loopback has to be true or false, and is string",
    );
    wrong(
        "[rings]\nsize_bytes = 4.5",
        "2:14: rings.size_bytes has to be a whole number, and is float",
    );
    wrong(
        "[mounts]\nnfs4 = true",
        "2:8: mounts.\"nfs4\" has to be text in quotes, and is boolean",
    );
}

#[test]
fn a_value_that_means_nothing_is_named_with_its_line() {
    wrong(
        "families = [\"file\",\n \"sockets\"]",
        "2:3: there is no family sockets; there are process, file, mount, network",
    );
    let error = Policy::parse("kinds = [\"create\"]").unwrap_err();
    assert!(error.starts_with("1:11: there is no kind create; there are fork, exec"));
    wrong(
        "[exclude]\nexes = [\"make\"]",
        "2:10: make is no absolute path, such as /usr/bin/make",
    );
    wrong(
        "[exclude]\npids = [1, -1]",
        "2:12: exclude.pids: -1 is not between 0 and 4294967295",
    );
    wrong(
        "[mounts]\n\"/srv\" = \"remote\"",
        "2:11: remote is none of local, not_monitored, not_scannable, scannable",
    );
    wrong(
        "[capture]\nenvironment = \"all\"",
        "2:16: all is none of none, names, values",
    );
    wrong(
        "[rings]\nsize_bytes = 5000",
        "2:14: rings.size_bytes: 5000 is no power of two",
    );
    wrong(
        "[rings]\nsize_bytes = 1024",
        "2:14: rings.size_bytes: 1024 is not between 4096 and 1073741824",
    );
    wrong(
        "[dedup]\ntouches = 0",
        "2:11: dedup.touches: 0 is not between 1 and 16777216",
    );
    wrong(
        "[isolate]\nallow = [\n  \"10.0.0.0/33\",\n]",
        "3:4: at character 10: /33 is more than the 32 bits of an IPv4 address",
    );
}

/// A policy in a folder of its own.
fn file(name: &str, text: &str, mode: u32) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("trapline-policy-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("policy.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn read(path: &Path) -> String {
    let read = Policy::read(path);
    read.map_or_else(|error| format!("{error:#}"), |_| String::new())
}

#[test]
fn a_policy_that_everybody_may_write_is_refused() {
    let path = file("mode", "", 0o646);
    assert!(read(&path).ends_with("everybody may write it: chmod o-w"));
    let path = file("good", "kinds = 7", 0o644);
    assert!(read(&path).ends_with("policy.toml:1:9: kinds has to be a list, and is integer"));
    let folder = path.parent().unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(read(&path).contains("everybody may replace it"));
    assert!(read(folder).ends_with("it is no file"));
    assert!(read(Path::new("/nonexistent/policy")).starts_with("/nonexistent/policy: "));
}
