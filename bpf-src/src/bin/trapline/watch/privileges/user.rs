//! Who we are once the sensors are in place.

use std::fs;

use trapline_loader::{Error, Result};

/// Of trapline alone, where somebody has made it.
const OWN_NAME: &str = "trapline";
/// Numbers that belong to nobody: Debian keeps 65000 to 65533 back, and systemd gives
/// those up to 65519 to services of the moment. Not `nobody`: that is who others fall
/// back to as well, and whoever has the same number may kill us.
const NOBODYS: std::ops::RangeInclusive<u32> = 65_520..=65_533;

/// A user and the one group that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    /// Of the account, where there is one.
    pub name: Option<String>,
}

impl User {
    /// The one that was asked for, by name or number; by default that of the account
    /// `trapline`, or a number that nobody has.
    ///
    /// # Errors
    /// Root, a name without an account, and /etc/passwd that cannot be read.
    pub fn find(wanted: Option<&str>) -> Result<Self> {
        let accounts = match fs::read_to_string("/etc/passwd") {
            Ok(accounts) => accounts,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io("/etc/passwd".as_ref(), &error)),
        };
        Self::among(&accounts, wanted).map_err(Error::invalid_input)
    }

    fn among(accounts: &str, wanted: Option<&str>) -> Result<Self, String> {
        let all = || accounts.lines().filter_map(Self::of_line);
        let named = |name: &str| all().find(|user| user.name.as_deref() == Some(name));
        let numbered = |uid: u32| all().find(|user| user.uid == uid);
        let user = match wanted {
            None => named(OWN_NAME)
                .or_else(|| {
                    let mut free = NOBODYS.rev().filter(|uid| numbered(*uid).is_none());
                    free.next().map(Self::without_account)
                })
                .ok_or("every number that nobody should have is taken: choose a --user")?,
            Some(wanted) => match wanted.parse() {
                Ok(uid) => numbered(uid).unwrap_or_else(|| Self::without_account(uid)),
                Err(_) => named(wanted).ok_or_else(|| {
                    format!("--user {wanted}: /etc/passwd has no account of that name")
                })?,
            },
        };
        match user.uid {
            0 => Err("--user: that is root; --keep-privileges stays root".to_owned()),
            _ => Ok(user),
        }
    }

    fn without_account(uid: u32) -> Self {
        Self {
            uid,
            gid: uid,
            name: None,
        }
    }

    /// `NAME:x:UID:GID:…`
    fn of_line(line: &str) -> Option<Self> {
        let mut parts = line.split(':');
        let name = parts.next()?.to_owned();
        let mut numbers = parts.skip(1).map(str::parse);
        Some(Self {
            uid: numbers.next()?.ok()?,
            gid: numbers.next()?.ok()?,
            name: Some(name),
        })
    }

    /// `998 (trapline)`.
    pub fn told(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.uid),
            None => self.uid.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\n\
                            # a comment\n\
                            guard:x:998:997::/nonexistent:/usr/sbin/nologin\n\
                            odd:x:65533:7::/:/bin/false\n";

    fn found(accounts: &str, wanted: Option<&str>) -> Result<(u32, u32), String> {
        User::among(accounts, wanted).map(|user| (user.uid, user.gid))
    }

    #[test]
    fn a_name_and_a_number_mean_the_account() {
        assert_eq!(found(ACCOUNTS, Some("guard")), Ok((998, 997)));
        assert_eq!(found(ACCOUNTS, Some("998")), Ok((998, 997)));
        assert_eq!(found(ACCOUNTS, Some("12345")), Ok((12_345, 12_345)));
        let told = User::among(ACCOUNTS, Some("998")).unwrap().told();
        assert_eq!(told, "998 (guard)");
    }

    #[test]
    fn by_default_it_is_an_account_of_our_own_or_a_number_that_nobody_has() {
        assert_eq!(found("", None), Ok((65_533, 65_533)));
        assert_eq!(found(ACCOUNTS, None), Ok((65_532, 65_532)));
        let own = format!("{ACCOUNTS}trapline:x:120:121::/:/bin/false\n");
        assert_eq!(found(&own, None), Ok((120, 121)));
    }

    #[test]
    fn root_and_strangers_are_refused() {
        for wanted in ["root", "0", "somebody", "-1", ""] {
            assert!(found(ACCOUNTS, Some(wanted)).is_err(), "{wanted}");
        }
    }
}
