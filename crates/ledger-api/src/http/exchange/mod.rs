//! Exchange: a price for a while, and the exchange at it.

mod canonical;
pub mod create_quote;
pub mod execute;
pub mod get_quote;
pub mod view;

pub use canonical::canonical;
