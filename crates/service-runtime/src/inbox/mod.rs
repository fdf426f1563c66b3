//! What a consumer has settled, as ranges of the source's gapless sequence.
//!
//! One row per consumer instead of one per event: in steady state the set is the single range
//! `[1, n]`, and its cost does not grow with history. The cost is per range, so nothing may
//! leave gaps lying about; see [`RANGES_MAX`].

mod set;
pub mod store;
#[cfg(test)]
mod tests;

pub use set::{MalformedSet, SeqSet};

/// More ranges than this is an alarm and stops pulling until the gaps are mended: a thousand
/// ranges cost 2 ms per transaction, a hundred thousand 157 ms.
pub const RANGES_MAX: usize = 1_000;
