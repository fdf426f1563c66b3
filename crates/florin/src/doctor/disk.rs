//! Room for what is written: a Postgres without it stops.

use std::path::{Path, PathBuf};

use super::patient::Patient;
use super::report::{Finding, Severity};

/// Postgres and nats-server write ahead in files of 16 MiB and more, and a checkpoint may double
/// them: below this the next busy minute may be the last.
const BYTES_BROKEN: u64 = 512 << 20;
/// About a day of a busy ledger.
const BYTES_WORRYING: u64 = 5 << 30;

pub fn check(patient: &mut Patient) {
    let servers = patient.endpoints().servers;
    let folders = [Some(patient.fleet.dir.clone())]
        .into_iter()
        .chain([servers.postgres.map(|server| server.data)])
        .chain([servers.nats.map(|server| server.store)])
        .flatten();
    let folders: Vec<PathBuf> = folders.collect();
    patient.add(findings(&folders));
}

/// File systems of these folders that are nearly full, each once.
pub fn findings(folders: &[PathBuf]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = Vec::new();
    for folder in folders {
        // Of a folder that we may not enter, the nearest one that we may.
        let Some((id, free)) = folder.ancestors().find_map(room) else {
            continue;
        };
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        found.extend(finding(folder, free));
    }
    found
}

fn room(folder: &Path) -> Option<(u64, u64)> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some((
        system.f_fsid,
        system.f_bavail.saturating_mul(system.f_frsize),
    ))
}

fn finding(folder: &Path, free: u64) -> Option<Finding> {
    let severity = match free {
        0..BYTES_BROKEN => Severity::Broken,
        BYTES_BROKEN..BYTES_WORRYING => Severity::Worrying,
        _ => return None,
    };
    Some(Finding {
        check: "disk",
        severity,
        subject: "disk".to_owned(),
        found: format!("{} MiB are free at {}", free >> 20, folder.display()),
        advice: "Free some, or move the fleet's directory to a larger disk while it is stopped. A \
                 Postgres without room stops; what it acknowledged stays."
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_told_about_before_it_is_full() {
        let severity = |free| finding(Path::new("/x"), free).map(|finding| finding.severity);
        assert_eq!(severity(BYTES_BROKEN - 1), Some(Severity::Broken));
        assert_eq!(severity(BYTES_WORRYING - 1), Some(Severity::Worrying));
        assert_eq!(severity(BYTES_WORRYING), None);
    }
}
