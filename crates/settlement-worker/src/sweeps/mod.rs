//! What is made true periodically: cuts that are due are made, and those that can be are closed.

mod close;
mod ledger;
mod schedule;

pub use close::{Closed, Closer};
pub use ledger::{Away, Ledger};
pub use schedule::Scheduler;
