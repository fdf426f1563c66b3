//! The bodies of good answers, and the engine's way to make them: an answer is rendered once,
//! stored under its key, and every replay sends the same bytes.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, Utc};
use contracts::{
    Account, Currency, EventType, HoldId, Kind, LedgerEvent, Leg, Money, Posted, WalletId,
    event::{Purpose, WalletChanged, WalletCreated, WalletKind},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts::view::AccountChangeView,
    error::PROBLEM_JSON,
    fee_rules,
    holds::view::{HoldLeftView, HoldView},
    links::Links,
    rejection,
};
use crate::{
    domain::{Restrictions, Sight},
    posting::{Answer, Render, Rendered},
    store::wallets::{BalanceRow, WalletRow},
};

/// Says that an answer was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What was done to something that exists.
pub(super) const DONE: u16 = 200;
/// What was done: a wallet or a transaction now exists.
pub(super) const CREATED: u16 = 201;
/// What was taken on: it will be done.
const ACCEPTED: u16 = 202;

/// A wallet and what is in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WalletView {
    /// The wallet, `wal_…`.
    #[schema(value_type = String, example = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12")]
    pub id: WalletId,
    /// Whose tokens may use it.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// `customer` or `merchant`.
    #[schema(value_type = String, example = "customer")]
    pub kind: WalletKind,
    /// `active`, `frozen`, `blocked`, `suspended` or `closed`.
    #[schema(example = "active")]
    #[schema(value_type = String)]
    pub status: Cow<'static, str>,
    /// The creator's reference.
    pub reference: Option<String>,
    /// What a merchant deals in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The creator's own notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// One entry per currency that ever moved.
    pub balances: Vec<BalanceView>,
}

/// What a wallet holds of one currency. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BalanceView {
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The sum of everything posted.
    #[schema(example = "75.00")]
    pub posted: String,
    /// The part of it that is reserved.
    #[schema(example = "0.00")]
    pub held: String,
    /// What may be spent without credit: `posted` less `held`.
    #[schema(example = "75.00")]
    pub available: String,
    /// How far below zero `available` may go: zero unless a credit line was given.
    #[schema(example = "0.00")]
    pub credit_limit: String,
    /// Is this currency of the wallet frozen?
    pub frozen: bool,
    /// Counts every change of this balance, without gaps.
    pub version: u64,
}

/// Money that moved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransactionView {
    /// The transaction, `txn_…`.
    #[schema(value_type = String, example = "txn_0190c3a65f7d7c3e8b1a2f4d6e8c0a13")]
    pub id: contracts::TransactionId,
    /// `deposit`, `withdrawal`, `transfer`, `payment`, `refund`, `reversal`, `exchange` or
    /// `adjustment`.
    #[schema(value_type = String, example = "transfer")]
    pub kind: Kind,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Both sides; they sum to zero per currency.
    pub legs: Vec<LegView>,
    /// When it counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// The sender's reference.
    pub reference: Option<String>,
    /// The merchant's order, on payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// A line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it corrects, and what corrected it.
    #[serde(flatten)]
    pub links: Links,
    /// The hold that was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hold: Option<HoldId>,
    /// What the capture left of the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_left: Option<HoldLeftView>,
    /// The quote that was executed, on exchanges.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub quote: Option<contracts::QuoteId>,
    /// The sender's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// One side of a transaction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LegView {
    /// The wallet; absent on legs of the system's own accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub wallet: Option<WalletId>,
    /// `main`, or the system account: `funding`, `fx`, `revenue`.
    #[schema(value_type = String, example = "main")]
    pub account: Account,
    /// The currency.
    #[schema(example = "EUR")]
    pub currency: String,
    /// Signed, at exactly the currency's scale.
    #[schema(example = "-25.00")]
    pub amount: String,
    /// The posted balance afterwards; only on wallets that the caller may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_after: Option<String>,
    /// The balance's version afterwards; only on wallets that the caller may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// `fee` or `spread`, when it is not the transaction's own amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Purpose>,
}

/// A wallet whose state changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WalletChangeView {
    /// The wallet, `wal_…`.
    #[schema(value_type = String)]
    pub wallet: WalletId,
    /// Its state now: `active`, `frozen`, `blocked`, `suspended` or `closed`.
    #[schema(example = "frozen")]
    pub status: String,
    /// The currency, when only that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The new credit limit, when that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_limit: Option<String>,
    /// Why.
    pub reason: String,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

impl WalletChangeView {
    fn of(event: &WalletChanged) -> Self {
        let limit = event.currency.zip(event.credit_limit);
        Self {
            wallet: event.wallet,
            status: event.status.clone(),
            currency: event.currency.map(|currency| currency.code().to_owned()),
            credit_limit: limit.map(|(currency, limit)| at_scale(limit, currency)),
            reason: event.reason.clone(),
            seq: event.seq,
            posted_at: event.posted_at,
        }
    }
}

impl WalletView {
    /// A wallet that was just opened.
    fn created(event: &WalletCreated) -> Self {
        Self {
            id: event.wallet,
            owner: event.owner.clone(),
            kind: event.kind,
            status: match &event.status {
                Some(status) => Cow::Owned(status.clone()),
                None => Cow::Borrowed(Restrictions::NONE.status()),
            },
            reference: event.reference.clone(),
            category: event.category.clone(),
            metadata: event.metadata.clone(),
            created_at: event.posted_at,
            balances: Vec::new(),
        }
    }

    /// A wallet as it is stored.
    pub fn stored(wallet: WalletRow, balances: &[BalanceRow]) -> Self {
        Self {
            id: wallet.id,
            owner: wallet.owner,
            kind: wallet.kind,
            status: Cow::Borrowed(wallet.restrictions.status()),
            reference: wallet.reference,
            category: wallet.category,
            metadata: wallet.metadata,
            created_at: wallet.created_at,
            balances: balances.iter().map(BalanceView::stored).collect(),
        }
    }
}

impl BalanceView {
    fn stored(balance: &BalanceRow) -> Self {
        // What is held is part of what is posted, so the difference always fits.
        let available = balance
            .posted
            .checked_sub(balance.held)
            .unwrap_or(balance.posted);
        Self {
            currency: balance.currency.code().to_owned(),
            posted: balance.posted.to_string(),
            held: balance.held.to_string(),
            available: available.to_string(),
            credit_limit: balance.credit_limit.to_string(),
            frozen: balance.restrictions.has(Restrictions::CURRENCY_FROZEN),
            version: balance.version,
        }
    }
}

impl TransactionView {
    /// The transaction with the balances that show.
    pub fn of(event: &Posted, sight: &Sight) -> Self {
        Self {
            id: event.transaction,
            kind: event.kind,
            seq: event.seq,
            legs: event
                .legs
                .iter()
                .map(|leg| LegView::of(leg, leg.wallet.is_some_and(|wallet| sight.shows(wallet))))
                .collect(),
            effective_at: event.effective_at,
            posted_at: event.posted_at,
            reference: event.reference.clone(),
            order_reference: event.order_reference.clone(),
            description: event.description.clone(),
            links: Links::of(event),
            hold: event.hold,
            hold_left: event
                .hold_left
                .as_ref()
                .zip(event.legs.first())
                .map(|(left, leg)| HoldLeftView::of(left, leg.currency)),
            quote: event.quote,
            metadata: event.metadata.clone(),
        }
    }
}

impl LegView {
    fn of(leg: &Leg, visible: bool) -> Self {
        let at_scale = |amount| at_scale(amount, leg.currency);
        Self {
            wallet: leg.wallet,
            account: leg.account,
            currency: leg.currency.code().to_owned(),
            amount: at_scale(leg.amount),
            balance_after: leg.balance_after.filter(|_| visible).map(at_scale),
            version: leg.version.filter(|_| visible),
            purpose: leg.purpose,
        }
    }
}

/// An amount of an event, with exactly the currency's decimals.
pub(super) fn at_scale(amount: Decimal, currency: Currency) -> String {
    Money::exact(amount, currency).map_or_else(|_| amount.to_string(), |m| m.to_string())
}

/// Renders the engine's events.
#[derive(Debug, Clone, Copy)]
pub struct Renderer;

impl Render for Renderer {
    fn render(&self, event: &LedgerEvent, sight: &Sight) -> Rendered {
        match event {
            LedgerEvent::WalletCreated(event) => Rendered {
                status: CREATED,
                body: json(&WalletView::created(event)),
            },
            LedgerEvent::Posted(event) => Rendered {
                status: CREATED,
                body: json(&TransactionView::of(event, sight)),
            },
            LedgerEvent::WalletChanged(event) => Rendered {
                status: DONE,
                body: json(&WalletChangeView::of(event)),
            },
            LedgerEvent::FeeRuleChanged(event) => fee_rules::view::rendered(event),
            LedgerEvent::HoldChanged(event) => Rendered {
                status: if event.event_type == EventType::HoldPlaced {
                    CREATED
                } else {
                    DONE
                },
                body: json(&HoldView::changed(event)),
            },
            LedgerEvent::AccountChanged(event) => Rendered {
                status: DONE,
                body: json(&AccountChangeView::of(event)),
            },
            LedgerEvent::RatesSet(event) => super::rates::view::set(event),
            LedgerEvent::QuoteCreated(event) => super::exchange::view::created(event),
            LedgerEvent::Rejected(event) => rejection::of_movement(event),
            LedgerEvent::CommandRejected(event) => rejection::of(event.id, event.code),
        }
    }
}

pub(super) fn json(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("a view has string keys only")
}

/// Sends what a worker did, new or repeated.
pub fn created(view: &impl Serialize, replayed: bool) -> Response {
    of_worker(CREATED, view, replayed)
}

/// Sends what a worker took on, new or repeated.
pub fn accepted(view: &impl Serialize, replayed: bool) -> Response {
    of_worker(ACCEPTED, view, replayed)
}

fn of_worker(status: u16, view: &impl Serialize, replayed: bool) -> Response {
    let body = json(view);
    let rendered = Rendered { status, body };
    stored(Answer {
        rendered,
        replayed,
        seq: None,
    })
}

/// Sends a stored answer, byte for byte.
pub fn stored(answer: Answer) -> Response {
    let content_type = if answer.rendered.status < 400 {
        "application/json"
    } else {
        PROBLEM_JSON
    };
    let about = super::recorded::AboutEvent::of(&answer);
    let mut response = Response::builder()
        .status(answer.rendered.status)
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(answer.rendered.body))
        .expect("a stored status is one that was rendered");
    if answer.replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(about) = about {
        response.extensions_mut().insert(about);
    }
    response
}

#[cfg(test)]
mod tests;
