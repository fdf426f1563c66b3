//! What was paid, paid back and undone, and the fee that was taken for a while.

use std::collections::BTreeMap;

use contracts::event::{FeeTerms, WalletKind};
use contracts::{Account, Kind, Money, TransactionId, WalletId, parse_amount};
use ledger_api::domain::{
    Action, DeactivateFeeRule, Movement, OriginalLeg, Refund, Remarks, Reversal,
};
use ledger_api::posting::Engine;
use sqlx::{Connection as _, PgConnection};
use testkit::TestDatabase;

use super::{engine, fill, open, posted, stop};
use crate::ledger::PASSWORD;

/// A copy of the filled ledger with a fee that was taken for a while, payments of orders, one of
/// them paid back in part, one undone, and a refund that was undone.
pub async fn corrected() -> TestDatabase {
    TestDatabase::from_template("corrected", async |template: TestDatabase| {
        let mut owner = PgConnection::connect(&template.url())
            .await
            .expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the ledger is migrated");
        let _ = owner.close().await;
        fill(&template).await;
        correct(&template).await;
    })
    .await
}

/// Positions 11 and further.
async fn correct(database: &TestDatabase) {
    let (engine, process) = engine(database).await;
    let rule = FeeTerms {
        kinds: vec![Kind::Payment],
        merchant_category: None,
        currency: "EUR".parse().expect("a currency"),
        percentage: Some(rust_decimal::Decimal::new(15, 1)),
        fixed: None,
        minimum: None,
        maximum: None,
    };
    let made = posted(&engine, "rule", Action::CreateFeeRule(rule)).await;
    let ann = open(&engine, "ann", WalletKind::Customer).await;
    let stall = open(&engine, "stall", WalletKind::Merchant).await;
    let fund = movement(Kind::Deposit, ann, None, "100");
    posted(&engine, "fund", Action::Move(fund)).await;
    let mut payments = Vec::new();
    for order in ["o-\"1\"", "o-2", "o-4"] {
        let payment = Movement {
            order_reference: Some(order.to_owned()),
            ..movement(Kind::Payment, ann, Some(stall), "10")
        };
        let paid = posted(&engine, order, Action::Move(payment)).await;
        payments.push(transaction(&paid));
    }
    let refund = |payment: TransactionId| {
        Action::Refund(Refund {
            payment,
            merchant: stall,
            customer: ann,
            paid: euros("10"),
            amount: Some(euros("2.50")),
            remarks: Remarks::default(),
        })
    };
    posted(&engine, "refund", refund(payments[0])).await;
    let undone = posted(&engine, "refund too", refund(payments[2])).await;
    undo(
        &engine,
        (ann, stall),
        transaction(&undone),
        "2.50",
        Some(payments[2]),
    )
    .await;
    undo(&engine, (ann, stall), payments[1], "10", None).await;
    let end = DeactivateFeeRule {
        rule: made["id"].as_str().expect("an id").parse().expect("an id"),
        reason: "enough".to_owned(),
    };
    posted(&engine, "end", Action::DeactivateFeeRule(end)).await;
    stop(process).await;
}

/// Reverses a payment from `ann` to `stall`, or the refund of one.
async fn undo(
    engine: &Engine,
    (ann, stall): (WalletId, WalletId),
    original: TransactionId,
    amount: &str,
    refunded: Option<TransactionId>,
) {
    let amount = euros(amount);
    let leg = |wallet, negative: bool| OriginalLeg {
        wallet: Some(wallet),
        account: Account::Main,
        amount: if negative { amount.negated() } else { amount },
        purpose: None,
    };
    let is_refund = refunded.is_some();
    let reversal = Reversal {
        original,
        legs: vec![leg(ann, !is_refund), leg(stall, is_refund)],
        refunded: refunded.map(|payment| (payment, amount)),
        remarks: Remarks::default(),
    };
    let key = format!("undo {original}");
    posted(engine, &key, Action::Reverse(reversal)).await;
}

fn transaction(answer: &serde_json::Value) -> TransactionId {
    let id = answer["id"].as_str().expect("an id");
    id.parse().expect("an id")
}

fn euros(amount: &str) -> Money {
    parse_amount(amount, "EUR".parse().expect("a currency")).expect("an amount")
}

fn movement(kind: Kind, wallet: WalletId, to: Option<WalletId>, amount: &str) -> Movement {
    Movement {
        kind,
        wallet,
        counterparty: to,
        amount: parse_amount(amount, "EUR".parse().expect("a currency")).expect("an amount"),
        effective_at: None,
        reference: None,
        order_reference: None,
        merchant_category: None,
        description: None,
        metadata: BTreeMap::new(),
    }
}
