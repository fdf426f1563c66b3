//! What rules look at, and what they find.

use chrono::{DateTime, Utc};
use contracts::{
    AlertId, EventId, Kind, LedgerEvent, Money, MoneyError, Posted, TransactionId, WalletId,
    fraud::Rule,
};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

/// Where money went, seen from the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It came from outside.
    Deposit,
    /// It left, to outside or to another wallet. Payments are not meant: a merchant is behind
    /// each of them.
    Debit,
}

/// A movement that rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// In or out.
    pub flow: Flow,
    /// Whose.
    pub wallet: WalletId,
    /// What moved: positive.
    pub money: Money,
    /// Event time.
    pub effective_at: DateTime<Utc>,
    /// The ledger's event.
    pub event: EventId,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Its transaction.
    pub transaction: TransactionId,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// The movement of an event; nothing when no rule is about it.
///
/// # Errors
/// When the amount is finer than its currency: then Florin did not write it.
pub fn movement(event: &LedgerEvent) -> Result<Option<Movement>, MoneyError> {
    let LedgerEvent::Posted(posted) = event else {
        return Ok(None);
    };
    let flow = match posted.kind {
        Kind::Deposit => Flow::Deposit,
        Kind::Withdrawal | Kind::Transfer => Flow::Debit,
        // A purchase, and what the house or the merchant does, is nobody's withdrawal.
        Kind::Payment | Kind::Refund | Kind::Reversal | Kind::Exchange | Kind::Adjustment => {
            return Ok(None);
        }
    };
    of_leg(posted, flow)
}

/// One wallet is the reason of a transaction: the first whose leg goes the way of its kind.
fn of_leg(posted: &Posted, flow: Flow) -> Result<Option<Movement>, MoneyError> {
    for leg in &posted.legs {
        let Some(wallet) = leg.wallet else { continue };
        let money = leg.money()?;
        if money.is_zero() || money.is_negative() != (flow == Flow::Debit) {
            continue;
        }
        let money = if money.is_negative() {
            money.negated()
        } else {
            money
        };
        return Ok(Some(Movement {
            flow,
            wallet,
            money,
            effective_at: posted.effective_at,
            event: posted.id,
            seq: posted.seq,
            transaction: posted.transaction,
            posted_at: posted.posted_at,
        }));
    }
    Ok(None)
}

/// A movement that a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What it found.
    pub movement: Movement,
    /// From which amount on; rules about one movement only.
    pub threshold: Option<Decimal>,
}

impl Finding {
    /// The alert's id: derived, so that whoever finds the same gives it the same, and sorting
    /// by the time of the ledger's event.
    pub fn alert(&self) -> AlertId {
        let source = format!("{}\n{}", self.rule.as_str(), self.movement.event);
        let digest = Sha256::digest(source);
        let mut tail = [0; 10];
        tail.copy_from_slice(&digest[..10]);
        AlertId::mint(self.movement.posted_at, tail)
    }
}

#[cfg(test)]
mod tests;
