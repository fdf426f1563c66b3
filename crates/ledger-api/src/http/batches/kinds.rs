//! The operations that a batch may hold. To add one: a line in [`KINDS`], with the route that
//! takes it alone and the function that reads it.

use std::{collections::HashMap, str::FromStr};

use contracts::{HoldId, Kind, TransactionId, WalletId};

use super::{
    super::{
        api::Api,
        error::{ApiError, ErrorCode},
        exchange::execute::ExecuteExchange,
        fields,
        holds::{capture::CaptureHoldBody, place::PlaceHoldBody, void::VoidHoldBody},
        movement::{Order, Write},
        payments::{create::CreatePayment, refund::CreateRefund},
        transactions::reverse::ReverseTransaction,
        wallets::{MoveMoney, adjust::AdjustBalance, transfer::Transfer},
    },
    operation::Parts,
};
use crate::{auth::Principal, store::wallets::Facts};

/// A type of operation.
pub struct OperationKind {
    /// As `type` spells it.
    pub name: &'static str,
    /// The route that takes it alone: who may use that may do this.
    pub route: &'static str,
    /// The field that has what that route has in its path.
    pub id: Option<&'static str>,
    /// Reads what is left of its fields when `key` and `type` are taken out.
    pub read: fn(Parts, &Principal, &Api) -> Result<Asked, ApiError>,
}

/// Every type of operation.
pub const KINDS: &[OperationKind] = &[
    OperationKind {
        name: "deposit",
        route: "/v1/wallets/{id}/deposit",
        id: Some("wallet"),
        read: |mut parts, principal, api| {
            let wallet = fields::wallet(&parts.text("wallet")?)?;
            let body: MoveMoney = parts.read()?;
            let order = body.order(Kind::Deposit, wallet, "deposit", principal, api)?;
            Ok(Asked::Order(order))
        },
    },
    OperationKind {
        name: "withdraw",
        route: "/v1/wallets/{id}/withdraw",
        id: Some("wallet"),
        read: |mut parts, principal, api| {
            let wallet = fields::wallet(&parts.text("wallet")?)?;
            let body: MoveMoney = parts.read()?;
            let order = body.order(Kind::Withdrawal, wallet, "withdraw", principal, api)?;
            Ok(Asked::Order(order))
        },
    },
    OperationKind {
        name: "transfer",
        route: "/v1/wallets/{id}/transfer",
        id: Some("wallet"),
        read: |mut parts, principal, api| {
            let wallet = fields::wallet(&parts.text("wallet")?)?;
            let body: Transfer = parts.read()?;
            Ok(Asked::Order(body.order(wallet, principal, api)?))
        },
    },
    OperationKind {
        name: "payment",
        route: "/v1/payments",
        id: None,
        read: |parts, principal, api| {
            let body: CreatePayment = parts.read()?;
            Ok(Asked::Order(body.order(principal, api)?))
        },
    },
    OperationKind {
        name: "refund",
        route: "/v1/payments/{id}/refunds",
        id: Some("payment"),
        read: |mut parts, _, _| Ok(Asked::Refund(id(&mut parts, "payment")?, parts.read()?)),
    },
    OperationKind {
        name: "reversal",
        route: "/v1/transactions/{id}/reverse",
        id: Some("transaction"),
        read: |mut parts, _, _| {
            Ok(Asked::Reverse(
                id(&mut parts, "transaction")?,
                parts.read()?,
            ))
        },
    },
    OperationKind {
        name: "adjustment",
        route: "/v1/wallets/{id}/adjust",
        id: Some("wallet"),
        read: |mut parts, _, _| Ok(Asked::Adjust(id(&mut parts, "wallet")?, parts.read()?)),
    },
    OperationKind {
        name: "hold",
        route: "/v1/holds",
        id: None,
        read: |parts, _, _| Ok(Asked::PlaceHold(parts.read()?)),
    },
    OperationKind {
        name: "capture",
        route: "/v1/holds/{id}/capture",
        id: Some("hold"),
        read: |mut parts, _, _| Ok(Asked::Capture(id(&mut parts, "hold")?, parts.read()?)),
    },
    OperationKind {
        name: "void",
        route: "/v1/holds/{id}/void",
        id: Some("hold"),
        read: |mut parts, _, _| Ok(Asked::Void(id(&mut parts, "hold")?, parts.read()?)),
    },
    OperationKind {
        name: "exchange",
        route: "/v1/exchange",
        id: None,
        read: |parts, _, _| Ok(Asked::Exchange(parts.read()?)),
    },
];

/// Takes out the id that the single route has in its path. What is no id names nothing.
fn id<T: FromStr>(parts: &mut Parts, field: &'static str) -> Result<T, ApiError> {
    let text = parts.text(field)?;
    text.parse().map_err(|_| ErrorCode::NotFound.into())
}

/// What an operation asks for.
pub enum Asked {
    /// A movement between wallets that it names itself: those of a whole batch are looked up at
    /// once.
    Order(Order),
    Refund(TransactionId, CreateRefund),
    Reverse(TransactionId, ReverseTransaction),
    Adjust(WalletId, AdjustBalance),
    PlaceHold(PlaceHoldBody),
    Capture(HoldId, CaptureHoldBody),
    Void(HoldId, VoidHoldBody),
    Exchange(ExecuteExchange),
}

impl Asked {
    /// The wallets that have to be known before [`Asked::write`].
    pub fn wallets(&self) -> Vec<WalletId> {
        match self {
            Self::Order(order) => order.wallets(),
            _ => Vec::new(),
        }
    }

    /// The write, when the bearer may ask for it. All but an order looks up what it names itself,
    /// one after another on one connection at a time: a batch is no reason to take them from
    /// others.
    pub async fn write(
        self,
        principal: &Principal,
        facts: &HashMap<WalletId, Facts>,
        api: &Api,
    ) -> Result<Write, ApiError> {
        match self {
            Self::Order(order) => order.admitted(principal, facts),
            Self::Refund(payment, body) => body.write(payment, principal, api).await,
            Self::Reverse(original, body) => body.write(original, principal, api).await,
            Self::Adjust(wallet, body) => body.write(wallet, principal, api).await,
            Self::PlaceHold(body) => body.write(principal, api).await,
            Self::Capture(hold, body) => body.write(hold, principal, api).await,
            Self::Void(hold, body) => body.write(hold, principal, api).await,
            Self::Exchange(body) => body.write(principal, api).await,
        }
    }
}
