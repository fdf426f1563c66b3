//! A hold as answers show it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{
    Currency, HoldId, Kind, WalletId,
    event::{HoldChanged, HoldLeft, HoldState},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::answer::at_scale;
use crate::store::holds::HoldRow;

/// Money that is set aside. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldView {
    /// The hold, `hld_…`.
    #[schema(value_type = String, example = "hld_0190c3a65f7d7c3e8b1a2f4d6e8c0a14")]
    pub id: HoldId,
    /// `open`, `captured`, `voided` or `expired`.
    #[schema(value_type = String, example = "open")]
    pub state: HoldState,
    /// Whose money it is.
    #[schema(value_type = String)]
    pub wallet: WalletId,
    /// What a capture posts: `payment`, `transfer` or `withdrawal`.
    #[schema(value_type = String, example = "payment")]
    pub kind: Kind,
    /// In whose favour it is: the merchant of a payment, the receiver of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub counterparty: Option<WalletId>,
    /// The currency of all its amounts.
    #[schema(example = "EUR")]
    pub currency: String,
    /// What was set aside at first.
    #[schema(example = "80.00")]
    pub amount: String,
    /// What of it was captured.
    #[schema(example = "30.00")]
    pub captured: String,
    /// What of it is still held.
    #[schema(example = "50.00")]
    pub remaining: String,
    /// When it runs out.
    pub expires_at: DateTime<Utc>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// The placer's reference.
    pub reference: Option<String>,
    /// The merchant's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// A line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The placer's own notes.
    pub metadata: BTreeMap<String, String>,
}

impl HoldView {
    /// A hold that was just placed or released.
    pub fn changed(event: &HoldChanged) -> Self {
        let text = |amount| at_scale(amount, event.currency);
        Self {
            id: event.hold,
            state: event.state,
            wallet: event.wallet,
            kind: event.kind,
            counterparty: event.counterparty,
            currency: event.currency.code().to_owned(),
            amount: text(event.amount),
            captured: text(event.captured),
            remaining: text(event.remaining),
            expires_at: event.expires_at,
            placed_at: event.placed_at,
            reference: event.reference.clone(),
            order_reference: event.order_reference.clone(),
            description: event.description.clone(),
            metadata: event.metadata.clone(),
        }
    }

    /// A hold as it is stored.
    pub fn stored(row: HoldRow) -> Self {
        let HoldRow {
            terms,
            hold,
            placed_at,
        } = row;
        Self {
            id: terms.id,
            state: hold.state,
            wallet: terms.wallet,
            kind: terms.kind,
            counterparty: terms.counterparty,
            currency: terms.amount.currency().code().to_owned(),
            amount: terms.amount.to_string(),
            captured: hold.captured.to_string(),
            remaining: hold.remaining().to_string(),
            expires_at: hold.expires_at,
            placed_at,
            reference: terms.reference,
            order_reference: terms.order_reference,
            description: terms.description,
            metadata: terms.metadata,
        }
    }
}

/// What a capture left of its hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldLeftView {
    /// The hold's state: `open`, or `captured` when nothing is held any more.
    #[schema(value_type = String, example = "open")]
    pub state: HoldState,
    /// What is still held.
    #[schema(example = "50.00")]
    pub remaining: String,
    /// What a final capture released.
    #[schema(example = "0.00")]
    pub released: String,
}

impl HoldLeftView {
    /// What was left of a hold in `currency`.
    pub fn of(left: &HoldLeft, currency: Currency) -> Self {
        Self {
            state: left.state,
            remaining: at_scale(left.remaining, currency),
            released: at_scale(left.released, currency),
        }
    }
}
