//! A visitor whom the fraud rules should find, and what they found in all.

use std::collections::BTreeMap;

use contracts::WalletId;
use contracts::event::WalletKind;
use serde::Serialize;

use super::opening;
use crate::api_client::{Alert, ApiClient, Movement};
use crate::fleet::Fleet;
use crate::token::Role;

/// He sold the Eiffel Tower, twice.
const NAME: &str = "Victor Lustig";
/// Alerts of a page: as many as the API gives.
const PAGE: &str = "200";

/// What the rules found.
#[derive(Debug, Clone, Serialize)]
pub struct Fraud {
    /// The visitor who did it on purpose.
    pub visitor: &'static str,
    /// His wallet.
    pub wallet: WalletId,
    /// What the rules found of him, in the order of his movements.
    pub found: Vec<Alert>,
    /// Alerts about everybody, by rule.
    pub alerts: BTreeMap<String, u64>,
}

impl Fraud {
    /// Each of his tricks was found, once.
    pub fn is_clean(&self) -> bool {
        let rules: Vec<&str> = self.found.iter().map(|alert| alert.rule.as_str()).collect();
        rules == ["large_deposit", "large_withdrawal", "rapid_withdrawals"]
    }
}

/// Puts a fortune into a new wallet and takes it out again, in a hurry.
///
/// # Errors
/// When the ledger refuses or is out of reach.
pub async fn commit(fleet: &Fleet) -> anyhow::Result<WalletId> {
    let client = fleet.client(Role::Operator, "demo-cashier")?;
    let wallet = opening(&client, NAME, WalletKind::Customer).await?;
    let fortune = Movement::of("12000.00", "EUR");
    client.deposit("demo-fraud-in", wallet, &fortune).await?;
    for (number, amount) in ["10500.00", "500.00", "400.00"].into_iter().enumerate() {
        let movement = Movement::of(amount, "EUR");
        let key = format!("demo-fraud-out-{number}");
        client.withdraw(&key, wallet, &movement).await?;
    }
    Ok(wallet)
}

/// What the rules found, once the worker has seen everything.
///
/// # Errors
/// When the ledger or the worker is out of reach.
pub async fn found(fleet: &Fleet, wallet: WalletId) -> anyhow::Result<Fraud> {
    let client = fleet.client(Role::Analyst, "demo-analyst")?;
    let mut found = all(&client, Some(wallet)).await?;
    found.reverse();
    let mut alerts = BTreeMap::new();
    for alert in all(&client, None).await? {
        *alerts.entry(alert.rule).or_insert(0) += 1;
    }
    Ok(Fraud {
        visitor: NAME,
        wallet,
        found,
        alerts,
    })
}

async fn all(client: &ApiClient, wallet: Option<WalletId>) -> anyhow::Result<Vec<Alert>> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    let wallet = wallet.map(|wallet| wallet.to_string());
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(wallet.as_deref().map(|wallet| ("wallet", wallet)));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = client.alerts(&query).await?;
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
