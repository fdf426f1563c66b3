//! Finding the servers' programs, in versions that will do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServerError;

const POSTGRES_AT_LEAST: Version = Version([15, 0, 0]);
const NATS_AT_LEAST: Version = Version([2, 9, 10]);

/// Where packages put Postgres: `*` is a version, the newest is taken first.
///
/// These come before PATH, because what is in PATH may be a wrapper script whose process is not
/// the server's.
const POSTGRES_PLACES: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/local/lib/postgresql*/bin",
];

/// Where nats-server is when PATH does not say so; `sbin` is often missing from a user's PATH.
const COMMON_PLACES: [&str; 5] = [
    "/usr/local/bin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
];

/// Postgres's programs.
#[derive(Debug, Clone)]
pub struct PostgresBinaries {
    /// Makes a data directory.
    pub initdb: PathBuf,
    /// The server.
    pub postgres: PathBuf,
    /// The interactive client, where installed.
    pub psql: Option<PathBuf>,
    /// The load generator, where installed.
    pub pgbench: Option<PathBuf>,
    /// The server's version, as it prints it.
    pub version: String,
}

/// The NATS server's program.
#[derive(Debug, Clone)]
pub struct NatsBinary {
    /// The server.
    pub nats_server: PathBuf,
    /// Its version, as it prints it.
    pub version: String,
}

/// Finds Postgres 15 or later.
///
/// # Errors
/// When there is none, or only older ones.
pub fn find_postgres() -> Result<PostgresBinaries, ServerError> {
    let mut places: Vec<PathBuf> = POSTGRES_PLACES
        .iter()
        .flat_map(|place| expand(place))
        .collect();
    places.extend(path_directories());
    let (postgres, version) =
        newest_allowed("postgres", &places, POSTGRES_AT_LEAST, "15", |directory| {
            directory.join("initdb").is_file()
        })?;
    let directory = postgres.parent().map(Path::to_owned).unwrap_or_default();
    let beside = |name| {
        // Debian has psql and pgbench beside the server and links them into PATH as wrappers.
        let found = std::iter::once(&directory)
            .chain(&places)
            .map(|place| place.join(name));
        found.into_iter().find(|path: &PathBuf| path.is_file())
    };
    Ok(PostgresBinaries {
        initdb: directory.join("initdb"),
        psql: beside("psql"),
        pgbench: beside("pgbench"),
        postgres,
        version,
    })
}

/// Finds nats-server 2.9.10 or later.
///
/// # Errors
/// When there is none, or only older ones.
pub fn find_nats() -> Result<NatsBinary, ServerError> {
    let mut places = path_directories();
    places.extend(COMMON_PLACES.iter().map(PathBuf::from));
    let (nats_server, version) =
        newest_allowed("nats-server", &places, NATS_AT_LEAST, "2.9.10", |_| true)?;
    Ok(NatsBinary {
        nats_server,
        version,
    })
}

/// The first program, in the order of `places`, that is new enough.
fn newest_allowed(
    program: &'static str,
    places: &[PathBuf],
    at_least: Version,
    needed: &'static str,
    complete: impl Fn(&Path) -> bool,
) -> Result<(PathBuf, String), ServerError> {
    let mut too_old = None;
    let mut seen = BTreeSet::new();
    for place in places {
        // Links are followed to the real program, whose neighbours belong to the same version.
        let Ok(path) = place.join(program).canonicalize() else {
            continue;
        };
        if !seen.insert(path.clone()) || !path.parent().is_some_and(&complete) {
            continue;
        }
        let Some((version, printed)) = version_of(&path) else {
            continue;
        };
        if version >= at_least {
            return Ok((path, printed));
        }
        too_old = too_old.max(Some((version, printed)));
    }
    if let Some((_, found)) = too_old {
        return Err(ServerError::TooOld {
            program,
            found,
            needed,
        });
    }
    let mut names: Vec<String> = places
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    names.dedup();
    Err(ServerError::Missing {
        program,
        looked_in: names.join(", "),
    })
}

fn path_directories() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|place| place.is_absolute())
        .collect()
}

/// The directories that a pattern with one `*` stands for, the highest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let (before, after) = pattern.split_once('*').expect("every place has a star");
    let (parent, prefix) = before.rsplit_once('/').expect("every place is absolute");
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(Version, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = Version::parse(name.strip_prefix(prefix)?)?;
            Some((version, PathBuf::from(format!("{parent}/{name}{after}"))))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, path)| path).collect()
}

fn version_of(program: &Path) -> Option<(Version, String)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `postgres (PostgreSQL) 15.18 (Debian …)`, `nats-server: v2.9.10`, `… 18beta1`.
    let word = text
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| {
            word.starts_with(|first: char| first.is_ascii_digit()) && Version::parse(word).is_some()
        })?;
    Some((Version::parse(word)?, word.to_owned()))
}

/// The first three numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = [0; 3];
        for (index, part) in text.split(['.', '-', '+']).take(3).enumerate() {
            let digits = part
                .find(|c: char| !c.is_ascii_digit())
                .map_or(part, |end| &part[..end]);
            match digits.parse() {
                Ok(number) => numbers[index] = number,
                Err(_) if index > 0 => break,
                Err(_) => return None,
            }
        }
        Some(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::{NATS_AT_LEAST, POSTGRES_AT_LEAST, Version};

    #[test]
    fn versions_compare_by_number_and_not_by_text() {
        assert_eq!(Version::parse("15.18"), Some(Version([15, 18, 0])));
        assert_eq!(Version::parse("18beta1"), Some(Version([18, 0, 0])));
        assert_eq!(Version::parse("2.10.0-RC.1"), Some(Version([2, 10, 0])));
        assert_eq!(Version::parse("server"), None);
        assert!(Version::parse("2.10.0") > Some(NATS_AT_LEAST));
        assert!(Version::parse("2.9.9") < Some(NATS_AT_LEAST));
        assert!(Version::parse("9.6.24") < Some(POSTGRES_AT_LEAST));
    }
}
