//! What events mean for statistics. Pure, and independent of order: changes are added, and
//! times are the earliest and the latest.

mod movements;

pub use movements::{Category, Changes, Seen, fold};
