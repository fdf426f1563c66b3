//! Dead letters of all workers: one list, and one way to act on each.
//!
//! Each worker owns its dead letters and answers for them; what is done to one is stored by it,
//! with the effect. Here they are only put together.

mod act;
pub mod discard;
mod find;
pub mod get;
pub mod list;
mod query;
pub mod replay;
mod view;
