use super::*;

/// `/a` with `/a/b`; `/l` says `a/b`, `/d` says `a`, `/n` says `a/none`.
fn names() -> Names {
    let mut names = Names::new();
    let symlink = |target: &str| Kind::Symlink(target.as_bytes().to_vec());
    for (path, kind) in [
        ("/a", Kind::Folder),
        ("/a/b", Kind::Regular),
        ("/l", symlink("a/b")),
        ("/d", symlink("a")),
        ("/n", symlink("/a/none")),
        ("/o", symlink("o")),
        ("/proc", Kind::Untold),
    ] {
        let place = names.walk(ROOT, path.as_bytes(), false).unwrap();
        let file = names.new_file(kind);
        names.add(&place, file);
    }
    names
}

fn leads(from: &str, path: &str, follow: bool) -> Result<String, Lost> {
    let names = names();
    let from = names.walk(ROOT, from.as_bytes(), true)?.there.unwrap();
    let place = names.walk(from, path.as_bytes(), follow)?;
    let what = if place.there.is_some() { "" } else { "no " };
    Ok(format!(
        "{what}{}",
        String::from_utf8_lossy(&names.path_of(&place))
    ))
}

#[test]
fn paths_lead_through_dots_and_links() {
    assert_eq!(leads("/a", "b", true).unwrap(), "/a/b");
    assert_eq!(leads("/a", "./..//d/b", true).unwrap(), "/a/b");
    assert_eq!(leads("/", "l", true).unwrap(), "/a/b");
    assert_eq!(leads("/", "l", false).unwrap(), "/l");
    assert_eq!(leads("/", "d/", false).unwrap(), "/a");
    assert_eq!(leads("/", "n", true).unwrap(), "no /a/none");
    assert_eq!(leads("/a", "..", true).unwrap(), "/");
}

#[test]
fn paths_that_lead_nowhere_say_why() {
    assert_eq!(leads("/", "x/y", true), Err(Lost::Missing));
    assert_eq!(leads("/", "a/b/c", true), Err(Lost::Missing));
    assert_eq!(leads("/", "o", true), Err(Lost::Missing));
    assert_eq!(leads("/", "proc/self/exe", true), Err(Lost::Untold));
}

#[test]
fn a_name_moves_with_its_folder_and_is_known_when_gone() {
    let mut names = names();
    let place = |names: &Names, path: &str| names.walk(ROOT, path.as_bytes(), false).unwrap();
    let b = place(&names, "/a/b").there.unwrap();
    names.take_to(place(&names, "/a").there.unwrap(), ROOT, b"z");
    assert_eq!(names.path(b), b"/z/b");
    let file = names.file(b);
    names.add(&place(&names, "/c"), file);
    assert_eq!(names.links(file), 2);
    names.remove(b);
    assert_eq!((names.links(file), names.is_gone(b)), (1, true));
    assert_eq!(names.path(b), b"/z/b");
    assert_eq!(place(&names, "/z/b").there, None);
}

#[test]
fn two_names_change_places() {
    let mut names = names();
    let there = |names: &Names, path: &str| {
        let place = names.walk(ROOT, path.as_bytes(), false).unwrap();
        place.there.unwrap()
    };
    let (b, l) = (there(&names, "/a/b"), there(&names, "/l"));
    names.exchange(b, l);
    assert_eq!((there(&names, "/a/b"), there(&names, "/l")), (l, b));
    assert_eq!(names.path(b), b"/l");
}
