//! The `florin` command as people run it, on real servers.

mod bench;
mod books;
mod commands;
mod doctor;
mod faults;
mod fleet;
mod joining;
mod ledger;
mod market;
mod rates;
mod replay;
mod up;
mod verify;

use std::time::Duration;

/// Far above what anything here takes on a loaded machine; a test fails by it only when
/// something hangs.
const SOON: Duration = Duration::from_mins(1);
