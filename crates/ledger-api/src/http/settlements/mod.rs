//! Settlement batches and breaks, as the settlement worker answers about them.

pub mod breaks;
pub mod cut;
pub mod get;
pub mod list;
mod view;

pub use view::{BatchItemView, BatchView, BatchWithItems, BreakView, CutAnswerView};

use contracts::{Currency, WalletId};

use super::error::{ApiError, ErrorCode};

/// A currency to filter by.
fn currency_of_query(text: Option<String>) -> Result<Option<Currency>, ApiError> {
    let parsed = text.map(|text| text.parse()).transpose();
    parsed.map_err(|_| ApiError::from(ErrorCode::InvalidQuery).field("currency"))
}

/// A merchant to filter by.
fn merchant_of_query(text: Option<String>) -> Result<Option<WalletId>, ApiError> {
    let parsed = text.map(|text| text.parse()).transpose();
    parsed.map_err(|_| ApiError::from(ErrorCode::InvalidQuery).field("merchant"))
}
