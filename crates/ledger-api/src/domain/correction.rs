//! What became of a transaction afterwards.

use rust_decimal::Decimal;

/// What was taken back of a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Correction {
    /// How much was paid back of a payment, over all its refunds.
    pub refunded: Decimal,
    /// Was it undone as a whole?
    pub reversed: bool,
}
