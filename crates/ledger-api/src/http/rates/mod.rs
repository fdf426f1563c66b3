//! Exchange rates: set by staff and services, read by everybody.

mod fields;
pub mod list;
pub mod set;
pub mod view;
