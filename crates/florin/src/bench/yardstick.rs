//! What the same Postgres does at its own benchmark: a measure that travels from machine to
//! machine.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Serialize;
use tokio::process::Command;

/// Its own database, so that nothing of ours is in the way.
const DATABASE: &str = "yardstick";

/// What pgbench measured.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Yardstick {
    /// How it was called.
    pub command: String,
    /// Transactions per second.
    pub per_second: u64,
}

/// Runs `pgbench -N -M prepared` on the server at `url`.
///
/// # Errors
/// When pgbench fails.
pub async fn measure(pgbench: &Path, url: &str, time: Duration) -> anyhow::Result<Yardstick> {
    let url: Url = url.parse().context("the database's address is not a URL")?;
    let createdb = pgbench.with_file_name("createdb");
    run(&createdb, &url, &[DATABASE]).await?;
    run(pgbench, &url, &["-i", "-q", DATABASE]).await?;
    let seconds = time.as_secs().to_string();
    let arguments = [
        "-N", "-M", "prepared", "-c", "16", "-j", "2", "-T", &seconds,
    ];
    let output = run(pgbench, &url, &[&arguments[..], &[DATABASE]].concat()).await?;
    let per_second = per_second(&output).context("pgbench does not say how fast it was")?;
    Ok(Yardstick {
        command: format!("pgbench {}", arguments.join(" ")),
        per_second,
    })
}

async fn run(program: &Path, url: &Url, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}", program.display(), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `tps = 8570.123456 (without initial connection time)`: the whole number will do.
fn per_second(output: &str) -> Option<u64> {
    let rest = output
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))?;
    rest.split(['.', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_says_how_fast_it_was() {
        let output = "scaling factor: 1\nlatency average = 1.867 ms\n\
                      tps = 8570.123456 (without initial connection time)\n";
        assert_eq!(per_second(output), Some(8_570));
        assert_eq!(per_second("pgbench: error"), None);
    }
}
