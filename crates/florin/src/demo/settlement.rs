//! A payment that the settlement worker cannot take at first, and what each merchant is paid.
//!
//! The fault is planted in the worker's table, as a release with a mistake in it would be. The
//! worker parks the payment, so the cut waits for it; with the fault mended, the dead letter is
//! replayed, and the cut closes with every payment in it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use contracts::event::WalletKind;
use contracts::{Currency, DeadLetterId, Totals, WalletId};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{PATIENCE, opening};
use crate::api_client::{Act, ApiClient, Batch, DeadLetter, Movement, NewPayment};
use crate::exit::Failure;
use crate::fleet::Fleet;
use crate::simulate::Takings;
use crate::token::Role;

const NAME: &str = "Wanda";
/// What she has.
const FUNDS: &str = "50.00";
/// What she pays.
const PRICE: &str = "42.00";
/// The cut's idempotency key.
const CUT: &str = "demo-cut";
/// Batches of a page: as many as the API gives.
const PAGE: &str = "200";

/// What was settled, and what stood in the way.
#[derive(Debug, Clone, Serialize)]
pub struct Settlement {
    /// The payment that was given up at first.
    pub dead_letter: DeadLetterId,
    /// Why, in words.
    pub error: String,
    /// The money that waited with it.
    pub at_stake: Totals,
    /// What the cut waited for, in its own words.
    pub waited_for: String,
    /// What the replay came to.
    pub replayed: String,
    /// What each merchant is paid, the most first.
    pub paid: Vec<Paid>,
    /// Where that is not what the simulation's own books say.
    pub differences: Vec<String>,
}

/// A batch, with the merchant's name.
#[derive(Debug, Clone, Serialize)]
pub struct Paid {
    /// The merchant.
    pub merchant: String,
    /// The batch.
    #[serde(flatten)]
    pub batch: Batch,
}

impl Settlement {
    /// Everything was settled as it was paid.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Plays the story and settles everybody. `takings` are what merchants were paid before.
///
/// # Errors
/// When the fleet is out of reach, or does not do as the story says.
pub async fn settle(fleet: &Fleet, takings: &[Takings]) -> anyhow::Result<Settlement> {
    let cashier = fleet.client(Role::Operator, "demo-cashier")?;
    let finance = fleet.client(Role::Finance, "demo-finance")?;
    let merchant = takings
        .iter()
        .find(|takings| takings.currency.code() == "EUR")
        .context("nobody was paid in EUR")?;
    let customer = opening(&cashier, NAME, WalletKind::Customer).await?;
    let funds = Movement::of(FUNDS, "EUR");
    cashier.deposit("demo-wanda-in", customer, &funds).await?;

    let fault = Fault::plant(fleet, customer).await?;
    pay(&cashier, customer, merchant.wallet).await?;
    let (letter, at_stake) = parked(&cashier, customer).await?;
    let waited_for = finance.cut(CUT).await?.body.cut.waits_for;
    let waited_for = waited_for.context("the cut did not wait for the dead letter")?;
    fault.mend().await?;

    let act = Act {
        worker: letter.worker.clone(),
        reason: "the fault is mended".to_owned(),
        dry_run: false,
    };
    let replayed = cashier
        .act_on_dead_letter("demo-replay", letter.id, "replay", &act)
        .await?
        .body
        .outcome;
    closed(&finance).await?;
    let batches = batches(&finance).await?;
    let differences = compare(&batches, takings, merchant.wallet)?;
    Ok(Settlement {
        dead_letter: letter.id,
        error: letter.error,
        at_stake,
        waited_for,
        replayed,
        paid: named(batches, takings),
        differences,
    })
}

/// A mistake in the worker's table: it refuses payments of one customer.
struct Fault {
    connection: PgConnection,
}

impl Fault {
    async fn plant(fleet: &Fleet, customer: WalletId) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(&fleet.endpoints.postgres).await?;
        // An id of ours: hexadecimal digits.
        let plant = format!(
            "ALTER TABLE settlement.items ADD CONSTRAINT a_mistake_of_the_last_release
             CHECK (customer_id <> '{}') NOT VALID",
            customer.as_uuid()
        );
        sqlx::query(AssertSqlSafe(plant))
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    async fn mend(mut self) -> anyhow::Result<()> {
        sqlx::query("ALTER TABLE settlement.items DROP CONSTRAINT a_mistake_of_the_last_release")
            .execute(&mut self.connection)
            .await?;
        Ok(self.connection.close().await?)
    }
}

async fn pay(cashier: &ApiClient, customer: WalletId, merchant: WalletId) -> anyhow::Result<()> {
    let payment = NewPayment {
        wallet: customer,
        merchant,
        amount: PRICE.to_owned(),
        currency: "EUR".to_owned(),
        order_reference: "demo-order".to_owned(),
        description: None,
        reference: None,
        effective_at: None,
        metadata: BTreeMap::new(),
    };
    cashier.pay("demo-wanda-pays", &payment).await?;
    Ok(())
}

/// Waits until the worker has given the payment up; with the money at stake.
async fn parked(cashier: &ApiClient, customer: WalletId) -> anyhow::Result<(DeadLetter, Totals)> {
    let wallet = customer.to_string();
    let query = [
        ("worker", "settlement"),
        ("wallet", wallet.as_str()),
        ("state", "parked"),
    ];
    let mut delays = PATIENCE.delays();
    loop {
        let page = cashier.dead_letters(&query).await?;
        if let Some(letter) = page.items.into_iter().next() {
            return Ok((letter, page.at_stake));
        }
        if !delays.wait().await {
            let words = "the settlement worker did not park the payment that it cannot take";
            return Err(Failure::out_of_reach(words).into());
        }
    }
}

/// Waits until the cut is closed.
async fn closed(finance: &ApiClient) -> anyhow::Result<()> {
    let mut delays = PATIENCE.delays();
    loop {
        let answer = finance.cut(CUT).await?.body;
        if answer.cut.state == "closed" {
            return Ok(());
        }
        if !delays.wait().await {
            let why = answer.cut.waits_for.unwrap_or_default();
            bail!("the cut does not close: {why}");
        }
    }
}

/// All of them: when the day ends at midnight, the schedule has made some.
async fn batches(finance: &ApiClient) -> anyhow::Result<Vec<Batch>> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = finance.batches(&query).await?;
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// Batches beside what the simulation says that merchants were paid, and Wanda's payment.
fn compare(
    batches: &[Batch],
    takings: &[Takings],
    merchant: WalletId,
) -> anyhow::Result<Vec<String>> {
    let mut expected: BTreeMap<(WalletId, Currency), (u64, Decimal)> = takings
        .iter()
        .map(|takings| {
            let key = (takings.wallet, takings.currency);
            (key, (takings.payments, takings.amount))
        })
        .collect();
    let wandas = expected
        .get_mut(&(merchant, "EUR".parse()?))
        .context("nobody was paid in EUR")?;
    *wandas = (wandas.0 + 1, wandas.1 + PRICE.parse::<Decimal>()?);
    let mut paid: BTreeMap<(WalletId, Currency), (u64, Decimal)> = BTreeMap::new();
    for batch in batches {
        let sum = paid.entry((batch.merchant, batch.currency)).or_default();
        *sum = (sum.0 + batch.count, sum.1 + batch.gross.parse::<Decimal>()?);
    }
    let mut differences = Vec::new();
    for (key, is) in &paid {
        let was = expected.remove(key);
        if was != Some(*is) {
            let (merchant, currency) = key;
            differences.push(format!(
                "{merchant} is paid {is:?} in {currency}, the payments were {was:?}"
            ));
        }
    }
    for ((merchant, currency), left) in expected {
        differences.push(format!("{merchant} has no batch in {currency}: {left:?}"));
    }
    Ok(differences)
}

fn named(batches: Vec<Batch>, takings: &[Takings]) -> Vec<Paid> {
    let name = |wallet: WalletId| {
        let known = takings.iter().find(|takings| takings.wallet == wallet);
        known.map_or_else(|| wallet.to_string(), |takings| takings.name.clone())
    };
    let mut paid: Vec<Paid> = batches
        .into_iter()
        .map(|batch| Paid {
            merchant: name(batch.merchant),
            batch,
        })
        .collect();
    // By currency, because yen and euros do not compare.
    paid.sort_by_cached_key(|paid| {
        let gross = paid.batch.gross.parse::<Decimal>().unwrap_or_default();
        (paid.batch.currency, Reverse(gross))
    });
    paid
}
