//! What is at stake when an event is not processed.

use crate::{LedgerEvent, MoneyError, Totals, WalletId};

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stake {
    /// The customers' and merchants' wallets, in order.
    pub wallets: Vec<WalletId>,
    /// The money that moved.
    pub money: Totals,
}

impl Stake {
    /// The stake of an event of the ledger. What was decided against moved no money.
    ///
    /// # Errors
    /// When an amount is finer than its currency: then Florin did not write it.
    pub fn of(event: &LedgerEvent) -> Result<Self, MoneyError> {
        let mut stake = Self::default();
        match event {
            LedgerEvent::Posted(event) => {
                for leg in &event.legs {
                    stake.wallets.extend(leg.wallet);
                    // Every movement has two sides and is told once; a fee goes with it.
                    if leg.amount.is_sign_positive() && leg.purpose.is_none() {
                        stake.money.add(leg.money()?);
                    }
                }
            }
            LedgerEvent::Rejected(event) => {
                stake.wallets.push(event.wallet);
                stake.wallets.extend(event.counterparty);
            }
            other => stake.wallets.extend(other.wallet()),
        }
        stake.wallets.sort_unstable();
        stake.wallets.dedup();
        Ok(stake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stake(json: &str) -> Stake {
        let event = LedgerEvent::decode(json.as_bytes()).expect("a fixture");
        Stake::of(&event).expect("exact")
    }

    #[test]
    fn what_moved_counts_once_and_what_was_refused_moved_nothing() {
        let transfer = stake(include_str!(
            "../fixtures/florin.ledger.transfer.posted.v1/001.json"
        ));
        let json = serde_json::to_string(&transfer.money).expect("serialises");
        assert_eq!(
            (json.as_str(), transfer.wallets.len()),
            (r#"{"EUR":"25.00"}"#, 2)
        );
        let deposit = stake(include_str!(
            "../fixtures/florin.ledger.deposit.posted.v1/001.json"
        ));
        assert_eq!(
            (deposit.money.iter().count(), deposit.wallets.len()),
            (1, 1)
        );
        let refused = stake(include_str!(
            "../fixtures/florin.ledger.transfer.rejected.v1/001.json"
        ));
        assert!(refused.money.is_empty() && refused.wallets.len() == 2);
        let opened = stake(include_str!(
            "../fixtures/florin.ledger.wallet.created.v1/001.json"
        ));
        assert!(opened.money.is_empty() && opened.wallets.len() == 1);
    }
}
