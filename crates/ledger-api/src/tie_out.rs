//! The answers to `rpc.ledger.tie_out` and `rpc.ledger.payments`: sums over everything that was
//! ever posted. They read only, on a connection of their own, and one at a time: a statement
//! that takes a minute must not take the connections of those that take a millisecond.

use std::{future::Future, sync::Arc};

use async_nats::Client;
use contracts::{
    rpc::{PaymentsRequest, RpcError, TieOutRequest},
    subjects::rpc::{LEDGER_PAYMENTS, LEDGER_TIE_OUT},
    topology::Topology,
};
use service_runtime::{
    Process, Secret,
    postgres::{self, PostgresOptions},
    rpc,
};
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::{
    PART,
    store::{self, StoreError},
};

/// The one connection.
const CONNECTIONS: u32 = 1;
/// A hundred million postings take about a minute. Longer, and the snapshot would keep vacuum
/// from the balances, which lanes update in place.
const STATEMENT_TIMEOUT_MS: u32 = 120_000;

/// Answers until the process stops.
///
/// # Errors
/// When Postgres stays away.
pub async fn serve(
    process: &Process,
    url: &Secret,
    client: Client,
    topology: &Topology,
) -> anyhow::Result<()> {
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: CONNECTIONS,
        statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        plans_anew: true,
        application_name: "florin ledger tie-out",
        ..PostgresOptions::default()
    };
    let pool = postgres::pool(url, &options).await?;
    let turn = Arc::new(Mutex::new(()));

    let (books, books_turn) = (pool.clone(), Arc::clone(&turn));
    let subject = topology.subject(LEDGER_TIE_OUT);
    let answer = move |wanted: TieOutRequest| {
        let (pool, turn) = (books.clone(), Arc::clone(&books_turn));
        async move {
            in_turn(&turn, async {
                let mut connection = pool.acquire().await?;
                store::tie_out::books(&mut connection, wanted.at).await
            })
            .await
        }
    };
    rpc::serve(process, client.clone(), subject, process.name(), answer);

    let subject = topology.subject(LEDGER_PAYMENTS);
    let answer = move |wanted: PaymentsRequest| {
        let (pool, turn): (PgPool, _) = (pool.clone(), Arc::clone(&turn));
        async move {
            let payments = store::tie_out::payments(&pool, wanted.at, wanted.after);
            in_turn(&turn, payments).await
        }
    };
    rpc::serve(process, client, subject, process.name(), answer);
    Ok(())
}

/// Who comes while somebody is answered is sent away: one asks at a time, and one who gave up
/// must not have company.
async fn in_turn<A>(
    turn: &Mutex<()>,
    sums: impl Future<Output = Result<A, StoreError>>,
) -> Result<A, RpcError> {
    let Ok(_turn) = turn.try_lock() else {
        return Err(RpcError {
            code: "busy".to_owned(),
            detail: "the sums are being read for somebody else".to_owned(),
        });
    };
    sums.await.map_err(|error| {
        let error = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(error, "Could not add up the books");
        RpcError {
            code: "unavailable".to_owned(),
            detail: "the sums could not be read".to_owned(),
        }
    })
}
