//! `with-servers [--data DIR] COMMAND [ARGUMENT…]`: runs a command beside a private Postgres and
//! nats-server, and ends with its exit code.
//!
//! The command finds `DATABASE_URL`, `NATS_URL`, the servers' process ids in `POSTGRES_PID` and
//! `NATS_PID`, and Postgres's programs first in `PATH`. Without `--data` all is temporary.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use local_servers::{NatsServer, NatsSettings, PostgresServer, PostgresSettings, Reaper, Signal};

const USAGE: &str = "usage: with-servers [--data DIR] COMMAND [ARGUMENT...]";
const USAGE_ERROR: u8 = 2;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let data = match arguments.first() {
        Some(first) if first == "--data" && arguments.len() > 2 => {
            let data = PathBuf::from(&arguments[1]);
            arguments.drain(..2);
            Some(data)
        }
        Some(first) if !first.to_string_lossy().starts_with('-') => None,
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::from(USAGE_ERROR));
        }
    };

    let reaper = Reaper::start()?;
    let temporary = data.is_none();
    let folder = data.map_or_else(|| temporary_folder(&reaper), Ok)?;
    let mut settings = PostgresSettings::new(folder.join("postgres"));
    settings.fsync = !temporary;
    let postgres = PostgresServer::start(settings, &reaper);
    let nats = NatsServer::start(NatsSettings::new(folder.join("nats")), &reaper);
    let (mut postgres, mut nats) = tokio::try_join!(postgres, nats)?;
    if temporary {
        // Where the servers' account could not use our folder, they have others.
        reaper.remove(postgres.data_dir());
        reaper.remove(nats.store_dir());
    }

    let code = run(&arguments, &postgres, &nats, &reaper).await?;
    postgres.stop().await?;
    nats.stop().await?;
    reaper.finish().await?;
    Ok(code)
}

fn temporary_folder(reaper: &Reaper) -> anyhow::Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix("florin-servers-")
        .tempdir()?
        .keep();
    let folder = folder.canonicalize()?;
    reaper.remove(&folder);
    Ok(folder)
}

async fn run(
    arguments: &[OsString],
    postgres: &PostgresServer,
    nats: &NatsServer,
    reaper: &Reaper,
) -> anyhow::Result<ExitCode> {
    let (program, rest) = arguments.split_first().context(USAGE)?;
    let programs = postgres
        .binaries()
        .postgres
        .parent()
        .unwrap_or(Path::new("/"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
    let mut child = tokio::process::Command::new(program)
        .args(rest)
        .env("DATABASE_URL", postgres.url("postgres"))
        .env("NATS_URL", nats.url())
        .env("POSTGRES_PID", postgres.pid().to_string())
        .env("NATS_PID", nats.pid().to_string())
        .env("PATH", std::env::join_paths(path)?)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let pid = child.id().context("a child just started has a pid")?;
    reaper.watch(pid, Signal::Term);
    let status = loop {
        // Ctrl-C reaches the command too, and its end is what we wait for.
        tokio::select! {
            status = child.wait() => break status?,
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    reaper.forget(pid);
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
