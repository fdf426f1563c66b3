//! `florin bench`.

use crate::exit::Code;

/// Not there yet.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Not there yet.
///
/// # Errors
/// Always, until it is there.
pub async fn run(_: Args) -> anyhow::Result<Code> {
    anyhow::bail!("not there yet")
}
