//! Alerts, as the fraud worker answers about them.

pub mod get;
pub mod list;
mod view;

pub use view::AlertView;
