//! Somebody who gets money back, of a payment that the house takes a fee for.

use anyhow::Context as _;
use contracts::Currency;
use contracts::event::{Purpose, WalletKind};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

use super::opening;
use crate::api_client::{Movement, NewPayment, NewRefund, Transaction};
use crate::fleet::Fleet;
use crate::simulate::Takings;
use crate::token::Role;

const NAME: &str = "Rita";
/// What she has.
const FUNDS: &str = "50.00";
/// What she pays.
const PRICE: &str = "40.00";
/// What she gets back.
const BACK: &str = "15.00";
/// What the house takes from then on, in percent.
const PERCENTAGE: &str = "1.5";

/// What she paid and got back.
#[derive(Debug, Clone, Serialize)]
pub struct Refund {
    /// Who.
    pub customer: String,
    /// Whom she paid.
    pub merchant: String,
    /// What she paid.
    pub paid: String,
    /// What the house took from the merchant.
    pub fee: Decimal,
    /// What she got back.
    pub refunded: String,
    /// What she has then.
    pub left: Decimal,
}

impl Refund {
    /// Every amount is what it must be.
    pub fn is_clean(&self) -> bool {
        (self.fee, self.left) == (Decimal::new(60, 2), Decimal::new(2500, 2))
    }
}

/// Plays the story, after the day's payments were settled: no fee is taken for those.
///
/// # Errors
/// When the fleet is out of reach, or does not do as the story says.
pub async fn play(fleet: &Fleet, takings: &[Takings]) -> anyhow::Result<Refund> {
    let cashier = fleet.client(Role::Operator, "demo-cashier")?;
    let currency: Currency = "EUR".parse()?;
    let merchant = takings
        .iter()
        .find(|takings| takings.currency == currency)
        .context("nobody was paid in EUR")?;
    let rule = json!({"kinds": ["payment"], "currency": "EUR", "percentage": PERCENTAGE});
    cashier.create_fee_rule("demo-fee", &rule).await?;

    let customer = opening(&cashier, NAME, WalletKind::Customer).await?;
    let funds = Movement::of(FUNDS, currency);
    cashier.deposit("demo-rita-in", customer, &funds).await?;
    let payment = NewPayment {
        wallet: customer,
        merchant: merchant.wallet,
        amount: PRICE.to_owned(),
        currency: "EUR".to_owned(),
        order_reference: "demo-order-of-rita".to_owned(),
        description: None,
        reference: None,
        effective_at: None,
        metadata: std::collections::BTreeMap::new(),
    };
    let paid = cashier.pay("demo-rita-pays", &payment).await?.body;
    let refund = NewRefund {
        amount: Some(BACK.to_owned()),
        reason: "one cup was broken".to_owned(),
        reference: None,
        effective_at: None,
    };
    cashier.refund("demo-rita-back", paid.id, &refund).await?;
    let wallet = cashier.wallet(customer).await?;
    Ok(Refund {
        customer: NAME.to_owned(),
        merchant: merchant.name.clone(),
        paid: PRICE.to_owned(),
        fee: fee(&paid),
        refunded: BACK.to_owned(),
        left: wallet.posted(currency),
    })
}

/// What the house received of a transaction.
fn fee(transaction: &Transaction) -> Decimal {
    let legs = transaction.legs.iter();
    legs.filter(|leg| leg.purpose == Some(Purpose::Fee) && leg.wallet.is_none())
        .map(|leg| leg.amount)
        .sum()
}
