//! A bicycle for a day: a deposit is set aside, a part of it is taken in two captures, and another
//! deposit is given back. The captures are payments, and settled like any other.

use contracts::WalletId;
use contracts::event::{HoldState, WalletKind};
use rust_decimal::Decimal;
use serde::Serialize;

use super::opening;
use crate::api_client::{Hold, Movement, NewHold};
use crate::fleet::Fleet;
use crate::simulate::Takings;
use crate::token::{self, Grant, Role};

const CUSTOMER: &str = "Gino";
const MERCHANT: &str = "Wheels for a day";
const CURRENCY: &str = "EUR";
const FUNDS: &str = "200.00";
/// What is set aside, twice: more than he has would be refused.
const DEPOSIT: &str = "90.00";
/// What the day costs.
const RENT: &str = "35.00";
/// What a lost bell costs.
const DAMAGE: &str = "12.50";

/// What became of the deposits.
#[derive(Debug, Clone, Serialize)]
pub struct Holds {
    /// Whose deposits.
    pub customer: &'static str,
    /// His wallet.
    pub wallet: WalletId,
    /// Of which a part was taken.
    pub captured: Hold,
    /// Which was given back.
    pub voided: Hold,
    /// What he can spend afterwards.
    pub available: Decimal,
    /// What is still held of it.
    pub held: Decimal,
}

impl Holds {
    /// Everything was taken and given back to the cent.
    pub fn is_clean(&self) -> bool {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap_or_default();
        let taken = decimal(RENT) + decimal(DAMAGE);
        self.captured.state == HoldState::Captured
            && self.voided.state == HoldState::Voided
            && self.captured.captured == taken
            && self.voided.captured.is_zero()
            && self.held.is_zero()
            && self.available == decimal(FUNDS) - taken
    }
}

/// Plays the story. Also returns what the merchant was paid.
///
/// # Errors
/// When the ledger refuses or is out of reach.
pub async fn play(fleet: &Fleet) -> anyhow::Result<(Holds, Takings)> {
    let cashier = fleet.client(Role::Operator, "demo-cashier")?;
    let key = token::signing_key(&fleet.dir)?;
    let wallet = opening(&cashier, CUSTOMER, WalletKind::Customer).await?;
    let merchant = opening(&cashier, MERCHANT, WalletKind::Merchant).await?;
    let funds = Movement::of(FUNDS, CURRENCY);
    cashier.deposit("demo-gino-in", wallet, &funds).await?;

    let owner = |name: &str| name.to_lowercase().replace(' ', "-");
    let customer = Grant::owner(Role::Customer, &owner(CUSTOMER)).sign(&key)?;
    let customer = cashier.with_token(customer);
    let shop = Grant::owner(Role::Merchant, &owner(MERCHANT)).sign(&key)?;
    let shop = cashier.with_token(shop);
    let mut holds = Vec::new();
    for order_reference in ["demo-bicycle", "demo-trailer"] {
        let hold = NewHold {
            wallet,
            merchant,
            amount: DEPOSIT.to_owned(),
            currency: CURRENCY.to_owned(),
            order_reference: order_reference.to_owned(),
        };
        let key = format!("{order_reference}-hold");
        holds.push(customer.place_hold(&key, &hold).await?.body.id);
    }
    let [bicycle, trailer] = [holds[0], holds[1]];
    shop.capture_hold("demo-rent", bicycle, RENT, false).await?;
    shop.capture_hold("demo-damage", bicycle, DAMAGE, true)
        .await?;
    let voided = shop.void_hold(
        "demo-trailer-void",
        trailer,
        "the trailer is back, unharmed",
    );
    let voided = voided.await?.body;

    let after = customer.wallet(wallet).await?;
    let balance = after.balances.first();
    let told = Holds {
        customer: CUSTOMER,
        wallet,
        captured: shop.hold(bicycle).await?,
        voided,
        available: balance.map_or(Decimal::ZERO, |balance| balance.available),
        held: balance.map_or(Decimal::ZERO, |balance| balance.held),
    };
    let takings = Takings {
        name: MERCHANT.to_owned(),
        wallet: merchant,
        currency: CURRENCY.parse()?,
        payments: 2,
        amount: RENT.parse::<Decimal>()? + DAMAGE.parse::<Decimal>()?,
    };
    Ok((told, takings))
}
