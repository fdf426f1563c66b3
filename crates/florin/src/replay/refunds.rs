//! Refunds of history that do not name their payment.
//!
//! A refund row says who got money back from whom. It is paid back out of the payments between the
//! two that went before it in the file, the oldest first: each of them has something left, and
//! together as much as the row says. When they have not, the row is refused as a whole, before
//! anything is sent, with the code that the ledger has for it.

use std::collections::HashMap;

use contracts::{Currency, Money, TransactionId, WalletId};

/// The code of a refund that is more than what was paid and not paid back.
pub const TOO_LARGE: &str = "refund_too_large";

/// Who paid whom, in what.
type Between = (WalletId, WalletId, Currency);

/// Payments that something is left of, in file order.
#[derive(Debug, Default)]
pub struct Payments(HashMap<Between, Vec<(TransactionId, Money)>>);

impl Payments {
    /// Remembers a payment that was posted, now or earlier.
    pub fn paid(
        &mut self,
        customer: WalletId,
        merchant: WalletId,
        payment: TransactionId,
        amount: Money,
    ) {
        let between = (customer, merchant, amount.currency());
        self.0.entry(between).or_default().push((payment, amount));
    }

    /// The parts of payments that make up `amount`; none when there is not so much left.
    pub fn take(
        &mut self,
        customer: WalletId,
        merchant: WalletId,
        amount: Money,
    ) -> Option<Vec<(TransactionId, Money)>> {
        let between = (customer, merchant, amount.currency());
        let open = self.0.get_mut(&between)?;
        let (mut missing, mut parts) = (amount, Vec::new());
        for (payment, left) in open.iter() {
            let rest = missing.checked_sub(*left).ok()?;
            if !rest.is_positive() {
                parts.push((*payment, missing));
                let kept = rest.negated();
                // Those before it are paid back whole.
                open.drain(..parts.len() - 1);
                if kept.is_zero() {
                    open.remove(0);
                } else {
                    open[0].1 = kept;
                }
                return Some(parts);
            }
            parts.push((*payment, *left));
            missing = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use contracts::parse_amount;
    use uuid::Uuid;

    use super::*;

    fn money(text: &str) -> Money {
        parse_amount(text, "EUR".parse().expect("a currency")).expect("an amount")
    }

    #[test]
    fn refunds_are_taken_from_the_oldest_payments_whole_or_not_at_all() {
        let wallet = |n| WalletId::from_uuid(Uuid::from_u128(n));
        let payment = |n| TransactionId::from_uuid(Uuid::from_u128(n));
        let (ann, shop) = (wallet(1), wallet(2));
        let mut payments = Payments::default();
        assert_eq!(payments.take(ann, shop, money("1")), None);
        for (n, amount) in [(1, "5"), (2, "3"), (3, "4")] {
            payments.paid(ann, shop, payment(n), money(amount));
        }
        let mut take = |amount| {
            let parts = payments.take(ann, shop, money(amount))?.into_iter();
            Some(
                parts
                    .map(|(id, part)| (id.as_uuid().as_u128(), part.to_string()))
                    .collect::<Vec<_>>(),
            )
        };
        let part = |n, text: &str| (n, text.to_owned());
        assert_eq!(take("2"), Some(vec![part(1, "2.00")]));
        assert_eq!(take("10.01"), None);
        assert_eq!(take("6"), Some(vec![part(1, "3.00"), part(2, "3.00")]));
        assert_eq!(take("4"), Some(vec![part(3, "4.00")]));
        assert_eq!(take("0.01"), None);
    }
}
