//! The logs of the services: who does not stay up, and the last words of the dead.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use service_runtime::Clock;

use super::patient::Patient;
use super::report::{Finding, Severity};

const CHECK: &str = "logs";
/// The end of a log that is read: thousands of lines.
const TAIL_BYTES: u64 = 512 * 1024;
/// Starts that are no accident, within ten minutes.
const STARTS_MAX: usize = 4;
const LATELY: TimeDelta = TimeDelta::minutes(10);
/// Characters of a line that a person reads.
const WORDS_MAX: usize = 300;

#[derive(Debug, Deserialize)]
struct Line {
    timestamp: DateTime<Utc>,
    level: String,
    message: String,
    #[serde(default)]
    fields: serde_json::Map<String, serde_json::Value>,
}

pub fn check(patient: &mut Patient) {
    let now = Clock::system().now();
    for name in patient.endpoints().services.into_keys() {
        let lines = lines(&patient.log(&name));
        let starts = lines
            .iter()
            .filter(|line| line.message.starts_with("Starting ") && now - line.timestamp < LATELY)
            .count();
        if starts >= STARTS_MAX {
            let why = last_error(&lines).unwrap_or_else(|| "its log has no error".to_owned());
            let found = format!("it was started {starts} times within ten minutes: {why}");
            let advice = format!(
                "It does not stay up. Mend what its last error names; all of it is in {}.",
                patient.log(&name).display()
            );
            patient.broken(CHECK, name, found, advice);
        }
    }
}

/// The last error of each service of a fleet that does not run.
pub fn last_words(dir: &Path) -> Vec<Finding> {
    let entries = std::fs::read_dir(dir.join("logs"))
        .into_iter()
        .flatten()
        .flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let lines = lines(&path);
        // Who stopped in good order has nothing to complain about.
        let orderly = lines.last().is_some_and(|line| line.message == "Stopped");
        let Some(error) = last_error(&lines).filter(|_| !orderly) else {
            continue;
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        found.push(Finding {
            check: CHECK,
            severity: Severity::Worrying,
            subject: name.into_owned(),
            found: format!("its last error was: {error}"),
            advice: format!("All of it is in {}.", path.display()),
        });
    }
    found
}

fn last_error(lines: &[Line]) -> Option<String> {
    let line = lines.iter().rev().find(|line| line.level == "ERROR")?;
    let why = line.fields.get("error").or_else(|| line.fields.get("why"));
    let why = why.and_then(|why| why.as_str()).unwrap_or_default();
    let words = format!("{} {} {why}", line.timestamp.to_rfc3339(), line.message);
    Some(words.trim_end().chars().take(WORDS_MAX).collect())
}

/// The lines at the end of a log that a service of ours wrote.
fn lines(path: &Path) -> Vec<Line> {
    let read = || {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
        let mut text = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut text)?;
        std::io::Result::Ok(text)
    };
    let text = read().unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
