//! The hazards that cost four predecessors money, over HTTP, on one shared fleet of two ledger
//! processes. Each test names its hazard by its row in the feature table, calls itself by that
//! name, and so has keys and wallets of its own.

mod access;
mod amounts;
mod keys;
mod volume;

use crate::fleet::Fleet;

impl Fleet {
    /// The end of every test on the shared fleet.
    async fn leave(&self) {
        self.nothing_is_half_done().await;
        self.check_history().await;
    }

    /// A statement that counts something about one text.
    async fn count(&self, sql: &'static str, text: &str) -> i64 {
        sqlx::query_scalar(sql)
            .bind(text)
            .fetch_one(&self.owner)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Events that name a wallet.
    async fn events_of(&self, wallet: &str) -> i64 {
        const SQL: &str = "SELECT count(*) FROM ledger.events WHERE data LIKE '%' || $1 || '%'";
        self.count(SQL, wallet).await
    }
}
