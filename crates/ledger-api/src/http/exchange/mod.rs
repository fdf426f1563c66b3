//! Exchange: a price for a while, and the exchange at it.

pub mod create_quote;
pub mod execute;
pub mod get_quote;
pub mod view;
