//! Sums over balances and postings, for those who tie out their own against them. Totals are
//! texts: they may exceed the 28 digits of a `Decimal`.

use contracts::{
    Currency, EventType, WalletId,
    rpc::{AccountTotals, MerchantTotal, PaymentsPage, TieOut, UnevenBalance},
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;

/// Uneven balances that an answer names: an operator looks at some, all are counted.
const SHOWN_MAX: i64 = 100;
/// Merchants of one page: with forty currencies each it still fits a NATS message of 1 MiB.
const MERCHANTS_MAX: i64 = 200;

/// The books as of position `at`, read in one statement, so of one snapshot: what the balances
/// were, what was posted, and which balances are not the sum of their postings.
///
/// # Errors
/// When the server cannot be asked, or the statement takes too long.
pub async fn books(connection: &mut PgConnection, at: u64) -> Result<TieOut, StoreError> {
    let rows = sqlx::query!(
        r#"WITH moved AS MATERIALIZED (
             SELECT wallet_id, account, currency, sum(amount) AS amount,
                    coalesce(sum(amount) FILTER (WHERE seq <= $1), 0) AS before,
                    coalesce(sum(abs(amount)) FILTER (WHERE seq <= $1), 0) AS turnover
             FROM ledger.postings GROUP BY wallet_id, account, currency
           ), held AS MATERIALIZED (
             SELECT wallet_id, account, currency, coalesce(b.posted, 0) AS posted,
                    coalesce(m.amount, 0) AS amount, coalesce(m.before, 0) AS before,
                    coalesce(m.turnover, 0) AS turnover
             FROM ledger.balances b FULL JOIN moved m USING (wallet_id, account, currency)
           ), uneven AS (
             SELECT *, count(*) OVER () AS number FROM held WHERE posted <> amount
             ORDER BY wallet_id, account, currency LIMIT $2
           )
           SELECT NULL::uuid AS "wallet_id?", account AS "account!", currency AS "currency!",
                  (sum(posted) - sum(amount) + sum(before))::text AS "posted!",
                  sum(before)::text AS "postings!", sum(turnover)::text AS "turnover!",
                  0::bigint AS "number!"
           FROM held GROUP BY account, currency
           UNION ALL
           SELECT wallet_id, account, currency, posted::text, amount::text, '', number
           FROM uneven"#,
        i64::try_from(at).unwrap_or(i64::MAX),
        SHOWN_MAX,
    )
    .fetch_all(connection)
    .await?;
    let mut books = TieOut {
        accounts: Vec::new(),
        uneven: 0,
        shown: Vec::new(),
    };
    for row in rows {
        let currency = currency(&row.currency, "balances", &row.account)?;
        let (posted, postings) = (total(row.posted, currency), total(row.postings, currency));
        match row.wallet_id {
            None => books.accounts.push(AccountTotals {
                account: row.account,
                currency,
                balances: posted,
                postings,
                turnover: total(row.turnover, currency),
            }),
            Some(wallet) => {
                books.uneven = row.number.unsigned_abs();
                books.shown.push(UnevenBalance {
                    wallet: WalletId::from_uuid(wallet),
                    account: row.account,
                    currency,
                    posted,
                    postings,
                });
            }
        }
    }
    Ok(books)
}

/// What merchants after `after` were paid up to position `at`.
///
/// # Errors
/// When the server cannot be asked, or the statement takes too long.
pub async fn payments(
    pool: &PgPool,
    at: u64,
    after: Option<WalletId>,
) -> Result<PaymentsPage, StoreError> {
    let rows = sqlx::query!(
        r#"WITH merchant AS MATERIALIZED (
             SELECT id FROM ledger.wallets
             WHERE kind = 'merchant' AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3
           )
           SELECT merchant.id AS "id!", paid.currency AS "currency?", paid.amount AS "amount?"
           FROM merchant LEFT JOIN (
             SELECT p.wallet_id, p.currency, sum(p.amount)::text AS amount
             FROM ledger.postings p JOIN ledger.events e ON e.seq = p.seq
             WHERE p.wallet_id IN (SELECT id FROM merchant) AND p.account = 'main'
               AND p.seq <= $1 AND p.amount > 0 AND e.subject LIKE $4
             GROUP BY p.wallet_id, p.currency
           ) paid ON paid.wallet_id = merchant.id
           ORDER BY 1, 2"#,
        i64::try_from(at).unwrap_or(i64::MAX),
        after.map(WalletId::as_uuid),
        MERCHANTS_MAX,
        format!("{}.%", EventType::PaymentPosted.subject_stem()),
    )
    .fetch_all(pool)
    .await?;
    let mut page = PaymentsPage {
        totals: Vec::new(),
        next: None,
    };
    let (mut merchants, mut last) = (0, None);
    for row in rows {
        if last != Some(row.id) {
            (merchants, last) = (merchants + 1, Some(row.id));
        }
        if let (Some(code), Some(amount)) = (row.currency, row.amount) {
            let currency = currency(&code, "postings", row.id)?;
            page.totals.push(MerchantTotal {
                merchant: WalletId::from_uuid(row.id),
                currency,
                amount: total(amount, currency),
            });
        }
    }
    let full = merchants == MERCHANTS_MAX;
    page.next = last
        .filter(|_| full)
        .map(|id: Uuid| WalletId::from_uuid(id));
    Ok(page)
}

fn currency(
    code: &str,
    table: &'static str,
    id: impl std::fmt::Display,
) -> Result<Currency, StoreError> {
    let known = code.parse();
    known.map_err(|_| StoreError::inconsistent(table, "currency", id))
}

/// A sum that is finer than its currency is shown as it is: to find it is what sums are for.
fn total(text: String, currency: Currency) -> String {
    contracts::total_at_scale(&text, currency).unwrap_or(text)
}
