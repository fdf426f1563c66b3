//! One row, as the requests that it takes.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contracts::{Kind, Money, TransactionId, WalletId};

use super::feed::{final_error, key};
use super::refunds::TOO_LARGE;
use super::report::Outcome;
use super::row::Row;
use crate::api_client::{
    ApiClient, ApiError, Movement, NewAdjustment, NewPayment, NewRefund, Transaction, Written,
};

/// What history gives as a reason.
const REASON: &str = "history from elsewhere";

/// What came of a request, and the transaction behind it, made now or earlier.
type Sent = (Outcome, Option<TransactionId>);

/// A row on its way.
pub struct Sending<'a> {
    /// The row.
    pub row: &'a Row,
    /// Its wallet.
    pub wallet: WalletId,
    /// The other one, when money goes there or comes from there.
    pub counterparty: Option<WalletId>,
    /// The payments that a refund pays back, and how much of each; none when there is not so much.
    pub parts: Option<Vec<(TransactionId, Money)>>,
}

impl Sending<'_> {
    /// Sends it.
    ///
    /// # Errors
    /// When the ledger stays out of reach, or answers what is no decision about the row.
    pub async fn send(self, client: &ApiClient) -> anyhow::Result<Sent> {
        if self.row.kind == Kind::Refund {
            return self.refund(client).await;
        }
        let key = key("replay:", &self.row.reference);
        let written = self.request(client, &key).await;
        self.outcome(written)
    }

    /// One row may pay several payments back: the first has the row's own key.
    async fn refund(&self, client: &ApiClient) -> anyhow::Result<Sent> {
        let mut sent = (Outcome::Refused(TOO_LARGE.to_owned()), None);
        for (number, (payment, amount)) in self.parts.iter().flatten().enumerate() {
            let reference = &self.row.reference;
            let key = match number {
                0 => key("replay:", reference),
                _ => key("replay:part:", &format!("{number}:{reference}")),
            };
            let refund = NewRefund {
                amount: Some(amount.to_string()),
                reason: REASON.to_owned(),
                reference: Some(reference.clone()),
                effective_at: Some(self.row.at),
            };
            sent = self.outcome(client.refund(&key, *payment, &refund).await)?;
            if matches!(sent.0, Outcome::Refused(_)) {
                break;
            }
        }
        Ok(sent)
    }

    async fn request(
        &self,
        client: &ApiClient,
        key: &str,
    ) -> Result<Written<Transaction>, ApiError> {
        let Self {
            row,
            wallet,
            counterparty,
            ..
        } = *self;
        let movement = Movement {
            to_wallet: counterparty,
            reference: Some(row.reference.clone()),
            effective_at: Some(row.at),
            metadata: note(row, counterparty),
            ..Movement::of(row.amount, row.amount.currency())
        };
        match (row.kind, counterparty) {
            (Kind::Deposit, _) => client.deposit(key, wallet, &movement).await,
            (Kind::Withdrawal, _) => client.withdraw(key, wallet, &movement).await,
            (Kind::Payment, Some(merchant)) => {
                client.pay(key, &payment(movement, wallet, merchant)).await
            }
            (Kind::Adjustment, _) => client.adjust(key, wallet, &adjustment(movement)).await,
            _ => client.transfer(key, wallet, &movement).await,
        }
    }

    fn outcome(&self, written: Result<Written<Transaction>, ApiError>) -> anyhow::Result<Sent> {
        match written {
            Ok(written) if written.replayed => Ok((Outcome::Replayed, Some(written.body.id))),
            Ok(written) => {
                let balance = balance_after(&written.body, self.wallet)?;
                Ok((Outcome::Applied(balance), Some(written.body.id)))
            }
            Err(ApiError::Refused { replayed: true, .. }) => Ok((Outcome::Replayed, None)),
            Err(ApiError::Refused { status, code, .. }) if is_about_the_row(status, &code) => {
                Ok((Outcome::Refused(code), None))
            }
            Err(error) => Err(final_error(error)),
        }
    }
}

fn adjustment(movement: Movement) -> NewAdjustment {
    NewAdjustment {
        amount: movement.amount,
        currency: movement.currency,
        reason: REASON.to_owned(),
        reference: movement.reference,
        effective_at: movement.effective_at,
        metadata: movement.metadata,
    }
}

fn payment(movement: Movement, wallet: WalletId, merchant: WalletId) -> NewPayment {
    let Movement {
        amount,
        currency,
        description,
        reference,
        effective_at,
        metadata,
        ..
    } = movement;
    NewPayment {
        wallet,
        merchant,
        amount,
        currency,
        order_reference: reference.clone().unwrap_or_default(),
        description,
        reference,
        effective_at,
        metadata,
    }
}

/// Where a deposit came from or a withdrawal went is not a wallet of ours, and not lost either.
fn note(row: &Row, counterparty: Option<WalletId>) -> BTreeMap<String, String> {
    match (&row.counterparty, counterparty) {
        (Some(name), None) => BTreeMap::from([("counterparty".to_owned(), name.clone())]),
        _ => BTreeMap::new(),
    }
}

/// A decision, or a value that the ledger does not take; all other refusals are about us.
fn is_about_the_row(status: u16, code: &str) -> bool {
    matches!(status, 403 | 404 | 409 | 422) && code != "forbidden"
}

fn balance_after(transaction: &Transaction, wallet: WalletId) -> anyhow::Result<Option<Money>> {
    let Some(leg) = transaction.leg(wallet) else {
        return Ok(None);
    };
    let balance = leg
        .balance_after
        .map(|balance| Money::exact(balance, leg.currency));
    balance
        .transpose()
        .context("the ledger's balance is not exact")
}
