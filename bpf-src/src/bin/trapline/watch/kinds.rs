//! The names of kinds and families.

use trapline_sensors::Family;
use trapline_sensors::event::{FileOperation, SocketOperation};

/// Every kind of event, and the family whose sensors report it.
pub fn all() -> impl Iterator<Item = (&'static str, Family)> {
    let processes = ["fork", "exec", "exit"].map(|name| (name, Family::Process));
    let files = FileOperation::ALL.iter().map(|it| (it.name(), it.family()));
    let sockets = SocketOperation::ALL
        .iter()
        .map(|it| (it.name(), Family::Network));
    processes.into_iter().chain(files).chain(sockets)
}

/// The kind of this name.
///
/// # Errors
/// A sentence with all names there are.
pub fn kind(name: &str) -> Result<&'static str, String> {
    let found = all().find(|(known, _)| *known == name);
    found.map(|(known, _)| known).ok_or_else(|| {
        let known: Vec<&str> = all().map(|(known, _)| known).collect();
        format!("there is no kind {name}; there are {}", known.join(", "))
    })
}

/// The family of this name.
///
/// # Errors
/// A sentence with all names there are.
pub fn family(name: &str) -> Result<Family, String> {
    let found = Family::ALL.iter().find(|family| family.name() == name);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
        format!("there is no family {name}; there are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_families_go_by_their_names() {
        assert_eq!(kind("file_create"), Ok("file_create"));
        assert_eq!(family("mount"), Ok(Family::Mount));
        let error = kind("create").unwrap_err();
        assert!(error.contains("no kind create; there are fork, exec, exit, file_create"));
        assert!(
            family("files")
                .unwrap_err()
                .ends_with("process, file, mount, network")
        );
    }
}
