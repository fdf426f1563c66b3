//! What can go wrong with the database.

use contracts::Currency;
use rust_decimal::Decimal;

/// A failed read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server refused, or is out of reach.
    #[error("the database did not do it")]
    Database(#[from] sqlx::Error),
    /// A stored value is none that Florin writes.
    #[error("{table}.{column} of {id} holds a value that Florin does not write")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Which row.
        id: String,
    },
}

impl StoreError {
    /// A column whose value does not parse.
    pub fn inconsistent(
        table: &'static str,
        column: &'static str,
        id: impl std::fmt::Display,
    ) -> Self {
        Self::Inconsistent {
            table,
            column,
            id: id.to_string(),
        }
    }
}

/// How the engine goes on after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The data of some command: SQLSTATE classes 22 (data) and 23 (integrity).
    Data,
    /// A deadlock, a timeout, a server that shuts down: the same again may work.
    Passing,
    /// The connection is gone or cannot be trusted.
    Connection,
}

/// Sorts an error by what to do about it.
pub fn fault(error: &StoreError) -> Fault {
    let StoreError::Database(error) = error else {
        return Fault::Data;
    };
    let sqlx::Error::Database(database) = error else {
        // A value that does not decode is the data's fault, everything else the connection's.
        return match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Fault::Data,
            _ => Fault::Connection,
        };
    };
    // Two currencies of one merchant: the loser sees the paid order when it looks again.
    if database.constraint() == Some(super::orders::PAID_ONCE) {
        return Fault::Passing;
    }
    match database.code().as_deref() {
        Some(code) if code.starts_with("22") || code.starts_with("23") => Fault::Data,
        // 25P03: the session was ended because it idled in a transaction; 57P: shutting down.
        Some(code) if code.starts_with("08") || code.starts_with("57P") || code == "25P03" => {
            Fault::Connection
        }
        _ => Fault::Passing,
    }
}

pub(super) fn money(
    amount: Decimal,
    currency: Currency,
    column: &'static str,
    id: impl std::fmt::Display,
) -> Result<contracts::Money, StoreError> {
    contracts::Money::exact(amount, currency)
        .map_err(|_| StoreError::inconsistent("balances", column, id))
}
