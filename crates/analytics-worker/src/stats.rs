//! The answer to `rpc.analytics.stats`.

use contracts::{
    Currency, Money, WalletId,
    rpc::{CurrencyStats, RpcError, StatsRequest, Tally, WalletStats},
};
use sqlx::PgPool;

use crate::{
    projections::Category,
    store::{self, stats::StatsRow},
};

/// Reads and puts together one wallet's statistics.
pub(crate) async fn answer(pool: PgPool, request: StatsRequest) -> Result<WalletStats, RpcError> {
    let rows = store::stats::find(&pool, request.wallet)
        .await
        .map_err(|error| {
            tracing::warn!(error = error.to_string(), "Could not read statistics");
            RpcError {
                code: "unavailable".to_owned(),
                detail: "the database did not answer".to_owned(),
            }
        })?;
    assemble(request.wallet, &rows).ok_or_else(|| {
        tracing::error!(
            wallet = request.wallet.to_string(),
            "Stored statistics do not parse"
        );
        RpcError {
            code: "inconsistent".to_owned(),
            detail: "stored values do not parse".to_owned(),
        }
    })
}

/// Nothing when a stored value is none that this worker writes.
fn assemble(wallet: WalletId, rows: &[StatsRow]) -> Option<WalletStats> {
    let first = rows.first()?;
    let mut stats = WalletStats {
        wallet,
        as_of_seq: u64::try_from(first.as_of_seq).ok()?,
        first_seen_at: first.first_seen_at,
        last_activity_at: first.last_activity_at,
        balances: Vec::new(),
    };
    for row in rows {
        let (Some(code), Some(category), Some(count), Some(amount)) =
            (&row.currency, &row.category, row.count, row.amount)
        else {
            continue;
        };
        let currency: Currency = code.parse().ok()?;
        if stats
            .balances
            .last()
            .is_none_or(|last| last.currency != currency)
        {
            stats.balances.push(nothing(currency));
        }
        let balance = stats.balances.last_mut()?;
        *tally(balance, Category::parse(category)?) = Tally {
            count: u64::try_from(count).ok()?,
            amount: Money::exact(amount, currency).ok()?.amount(),
        };
    }
    Some(stats)
}

fn nothing(currency: Currency) -> CurrencyStats {
    let zero = || Tally {
        count: 0,
        amount: Money::zero(currency).amount(),
    };
    CurrencyStats {
        currency,
        deposited: zero(),
        withdrawn: zero(),
        paid: zero(),
        received: zero(),
        transferred_in: zero(),
        transferred_out: zero(),
    }
}

fn tally(stats: &mut CurrencyStats, category: Category) -> &mut Tally {
    match category {
        Category::Deposited => &mut stats.deposited,
        Category::Withdrawn => &mut stats.withdrawn,
        Category::Paid => &mut stats.paid,
        Category::Received => &mut stats.received,
        Category::TransferredIn => &mut stats.transferred_in,
        Category::TransferredOut => &mut stats.transferred_out,
    }
}
