//! Secrets that must not be printed: those the stack runs on and those the journeys used, searched for in all that the programs
//! wrote while the journeys ran.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::tools::files;

/// Without these kinds a run of all journeys has looked for nothing.
const KINDS: [&str; 8] =
    ["password", "wrong password", "session", "API key", "access token", "refresh token", "provider key", "link"];
/// How our keys and tokens begin, whoever made them; as many characters after it are a secret and no hint.
const PREFIXES: [&str; 3] = ["bfk_", "bft_", "bfr_"];
const TOKEN_MIN: usize = 20;
/// A shorter text would be found by chance.
const SECRET_MIN: usize = 8;

/// What to look for.
pub struct Canaries {
    file: PathBuf,
    ours: Vec<(&'static str, String)>,
}

impl Canaries {
    /// `ours` are the secrets of the stack by their names; journeys add theirs to the file that [`Self::env`] names.
    pub fn new(folder: &Path, ours: Vec<(&'static str, String)>) -> Result<Self> {
        let file = folder.join("canaries");
        fs::create_dir_all(folder)?;
        fs::write(&file, "")?;
        Ok(Self { file, ours })
    }

    pub fn env(&self) -> (&'static str, &Path) {
        ("CANARIES", &self.file)
    }

    /// Fails when a log tells one. With `all`, every kind of secret must have been used.
    pub fn search(&self, logs: &[PathBuf], all: bool) -> Result<()> {
        let noted = fs::read_to_string(&self.file)?;
        let noted: BTreeSet<(&str, &str)> = noted.lines().filter_map(|line| line.split_once('\t')).collect();
        for kind in KINDS.iter().filter(|_| all) {
            ensure!(noted.iter().any(|(k, _)| k == kind), "no journey used a {kind}: nothing was looked for");
        }
        let ours = self.ours.iter().map(|(name, secret)| (*name, secret.as_str()));
        let secrets: Vec<_> = ours.chain(noted).filter(|(_, secret)| secret.len() >= SECRET_MIN).collect();
        let mut bytes = 0;
        for file in logs {
            // What is not UTF-8 was printed all the same.
            let text = String::from_utf8_lossy(&fs::read(file).with_context(|| format!("no {}", file.display()))?).into_owned();
            bytes += text.len();
            for (number, line) in text.lines().enumerate() {
                let told = tells(line, &secrets);
                ensure!(told.is_none(), "{}:{} tells a secret ({})", file.display(), number + 1, told.unwrap_or_default());
            }
        }
        ensure!(bytes > 0, "the programs printed nothing: the wrong files were searched");
        eprintln!("{} secrets are in none of {bytes} bytes of output", secrets.len());
        Ok(())
    }
}

/// The kind of the first secret in a line.
fn tells<'s>(line: &str, secrets: &[(&'s str, &str)]) -> Option<&'s str> {
    let known = secrets.iter().find(|(_, secret)| line.contains(secret)).map(|(kind, _)| *kind);
    let token = |at: usize| line[at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let shaped = || PREFIXES.iter().any(|prefix| line.match_indices(prefix).any(|(at, _)| token(at) >= prefix.len() + TOKEN_MIN));
    known.or_else(|| shaped().then_some("shaped like a key"))
}

/// Every log below a folder.
pub fn logs(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(files(folder)?.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "log")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_found_wherever_it_is() {
        let secrets = [("password", "Str0ng-enough!"), ("session", "c2Vzc2lvbi1pbi1hLWNvb2tpZQ")];
        for (line, kind) in [
            ("INFO request{path=/sign-in}: typed Str0ng-enough! twice", Some("password")),
            (r#"{"cookie":"sid=c2Vzc2lvbi1pbi1hLWNvb2tpZQ"}"#, Some("session")),
            ("key bfk_0123456789abcdefghijKLMNOPQRSTUVWXYZ_-012345 refused", Some("shaped like a key")),
            ("key bfk_abcdef… was used", None),
            ("INFO serving addr=127.0.0.1:3000", None),
        ] {
            assert_eq!(tells(line, &secrets), kind, "{line}");
        }
    }

    #[test]
    fn a_log_that_tells_fails_and_so_does_a_search_for_nothing() {
        let folder = std::env::temp_dir().join(format!("belfry-canary-{}", std::process::id()));
        let canaries = Canaries::new(&folder, vec![("key", "0123456789abcdef".into())]).unwrap();
        let log = folder.join("server.log");
        fs::write(&log, "INFO serving\n").unwrap();
        let found = logs(&folder).unwrap();
        assert_eq!(found, std::slice::from_ref(&log));
        canaries.search(&found, false).unwrap();
        let nothing = canaries.search(&found, true).unwrap_err().to_string();
        assert!(nothing.contains("no journey used a password"), "{nothing}");
        fs::write(&log, "INFO serving\nWARN 0123456789abcdef\n").unwrap();
        let told = canaries.search(&found, false).unwrap_err().to_string();
        assert!(told.ends_with("server.log:2 tells a secret (key)"), "{told}");
        fs::write(folder.join("canaries"), "provider key\tWARN\tx\npassword\tserving-is-fun\n").unwrap();
        fs::write(&log, "INFO serving-is-fun\n").unwrap();
        assert!(canaries.search(&found, false).is_err(), "those of the journeys count");
        fs::write(&log, "").unwrap();
        assert!(canaries.search(&found, false).is_err(), "an empty log is the wrong one");
        fs::remove_dir_all(folder).unwrap();
    }
}
