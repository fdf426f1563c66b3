//! What the worker does about events.

mod collect;
mod sums;

pub use collect::CollectPayments;
pub use sums::{Part, Sums, Unfit};
