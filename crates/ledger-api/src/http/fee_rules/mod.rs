//! What the house takes: one file per endpoint.

pub mod create;
pub mod deactivate;
pub mod get;
pub mod list;
pub mod view;

pub use view::FeeRuleView;
