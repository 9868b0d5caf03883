//! Which mirror to use: the one this machine's own apt uses, or an override.
//! No mirror is named in this repository.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The environment variable that names another mirror; `--mirror` wins over it.
pub const MIRROR_VARIABLE: &str = "TRAPLINE_MIRROR";

/// Two archives: Debian's own, and the one of its security team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Base URI of the main archive, without `/` at the end.
    pub main: String,
    /// Base URI of the security archive, without `/` at the end.
    pub security: String,
}

impl Mirror {
    /// The mirror that `flag` or [`MIRROR_VARIABLE`] names, else this machine's.
    ///
    /// # Errors
    /// When the override is no URI, or this machine's apt knows no Debian
    /// archive.
    pub fn find(flag: Option<&str>) -> Result<Self> {
        if let Some(text) = flag {
            return Self::parse(text).context("--mirror");
        }
        match env::var(MIRROR_VARIABLE) {
            Ok(text) => Self::parse(&text).context(MIRROR_VARIABLE),
            Err(env::VarError::NotPresent) => Self::of_this_machine(),
            Err(error) => Err(error).context(MIRROR_VARIABLE),
        }
    }

    /// One or two URIs: the main archive, and after a blank or a comma the
    /// security archive, which is otherwise the first with `-security` behind.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let separator = |c: char| c == ',' || c.is_whitespace();
        let mut uris = text.split(separator).filter(|uri| !uri.is_empty());
        let main = uris
            .next()
            .context("it is empty; it names the URI of a Debian mirror")?;
        let main = base_uri(main)?;
        let security = match uris.next() {
            Some(uri) => base_uri(uri)?,
            None => format!("{main}-security"),
        };
        ensure!(uris.next().is_none(), "it has more than two URIs");
        Ok(Self { main, security })
    }

    fn of_this_machine() -> Result<Self> {
        let format = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)";
        let output = Command::new("apt-get")
            .args(["indextargets", "--format", format, "Created-By: Packages"])
            .env("LC_ALL", "C.UTF-8")
            .output()
            .context("cannot run apt-get, which fetches the kernels; it is part of Debian")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "apt-get indextargets failed: {}",
            errors.trim()
        );
        Self::from_index_targets(&String::from_utf8_lossy(&output.stdout))
    }

    /// Picks Debian's archives from lines of URI, release, component, origin.
    fn from_index_targets(lines: &str) -> Result<Self> {
        let (mut main, mut backports, mut security) = (None, None, None);
        for line in lines.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let &[uri, release, component, origin] = fields.as_slice() else {
                continue;
            };
            // A variable stays as it is where no Release file was fetched yet.
            let debian = origin.starts_with("Debian") || origin.starts_with("$(");
            if !debian || !matches!(component, "main" | "updates/main") {
                continue;
            }
            let place = match release {
                _ if release.contains("-security") => &mut security,
                _ if release.ends_with("/updates") => &mut security,
                // Some machines take these from elsewhere: only for want of better.
                _ if release.ends_with("-backports") => &mut backports,
                _ => &mut main,
            };
            if place.is_none() {
                *place = Some(base_uri(uri)?);
            }
        }
        let Some(main) = main.or(backports) else {
            bail!(
                "this machine's apt has no Debian archive among its sources; name a mirror with \
                 --mirror URI or {MIRROR_VARIABLE}=URI"
            );
        };
        let security = security.unwrap_or_else(|| format!("{main}-security"));
        Ok(Self { main, security })
    }

    /// The archive that holds `suite`.
    pub fn uri_of(&self, suite: &str) -> &str {
        if suite.ends_with("-security") {
            &self.security
        } else {
            &self.main
        }
    }
}

/// Checks that a URI can stand in a line of sources.list.
fn base_uri(uri: &str) -> Result<String> {
    let plain = uri
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"[]#\"\\".contains(&b));
    ensure!(
        plain && uri.contains(":/"),
        "`{uri}` is no URI of a Debian mirror"
    );
    Ok(uri.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_uri_names_both_archives_and_two_name_each() {
        let one = Mirror::parse("https://mirror.example/debian/").unwrap();
        assert_eq!(one.uri_of("trixie"), "https://mirror.example/debian");
        assert_eq!(
            one.uri_of("trixie-backports"),
            "https://mirror.example/debian"
        );
        assert_eq!(
            one.uri_of("bookworm-security"),
            "https://mirror.example/debian-security"
        );
        let two = Mirror::parse("https://a.example/d, file:/srv/security").unwrap();
        assert_eq!(two.security, "file:/srv/security");
    }

    #[test]
    fn what_is_no_uri_is_an_error() {
        for text in [
            "",
            "debian",
            "https://a b c",
            "https://x/[trusted=yes]",
            "a:/ b:/ c:/",
        ] {
            assert!(Mirror::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_machines_own_mirror_is_found_among_other_sources() {
        let lines = "https://node.example/\tnodistro\tmain\t. nodistro\n\
            https://docker.example/\tbookworm\tstable\tDocker\n\
            http://backports.example/\tbookworm-backports\tmain\tDebian Backports\n\
            http://mirror.example/debian/\tbookworm\tmain\tDebian\n\
            http://security.example/s/\tbookworm-security\tmain\tDebian\n";
        let mirror = Mirror::from_index_targets(lines).unwrap();
        assert_eq!(mirror.main, "http://mirror.example/debian");
        assert_eq!(mirror.security, "http://security.example/s");
    }

    #[test]
    fn a_machine_whose_lists_were_never_fetched_still_has_a_mirror() {
        let line = "mirror+file:/etc/apt/mirrors/debian.list/\ttrixie\tmain\t$(ORIGIN)\n";
        let mirror = Mirror::from_index_targets(line).unwrap();
        assert_eq!(mirror.main, "mirror+file:/etc/apt/mirrors/debian.list");
    }

    #[test]
    fn a_machine_without_debian_sources_says_how_to_name_one() {
        let line = "http://mirror.example/ubuntu/\tnoble\tmain\tUbuntu\n";
        let error = Mirror::from_index_targets(line).unwrap_err().to_string();
        assert!(
            error.contains("--mirror") && error.contains(MIRROR_VARIABLE),
            "{error}"
        );
    }
}
