//! Sums all balances again and again: the one number that must always be zero, for whoever
//! watches from outside. It changes nothing; `florin verify` is what finds the reason.

use std::time::{Duration, Instant};

use service_runtime::{
    Process, Secret,
    postgres::{self, PostgresOptions},
};

use crate::{metrics, migrations::PART, store};

/// Between two sums: about as often as Prometheus reads the result.
const PACE: Duration = Duration::from_secs(15);
/// A sum that takes long is made more rarely: at most a twentieth of one core.
const PACE_PER_WORK: u32 = 20;
/// Ten million balances are summed in about two seconds; one that takes longer than this would
/// hold back the vacuum of a busy table.
const SUM_TIMEOUT_MS: u32 = 30_000;

/// Runs until the process stops. Starts over on a connection of its own each time: a pool for
/// reads should not wait for it.
pub fn start(url: Secret, process: &Process) {
    let (soft, clock) = (process.soft(), process.clock().clone());
    process.spawn("balance check", async move {
        loop {
            let begun = Instant::now();
            match sum(&url).await {
                Ok(sums) => {
                    let at = clock.now().timestamp();
                    for (currency, sum) in metrics::balances_summed(&sums, at) {
                        tracing::error!(
                            currency,
                            "The balances in {currency} sum to {sum}: `florin verify` tells more"
                        );
                    }
                }
                Err(error) => tracing::debug!(error, "Could not sum the balances"),
            }
            let wait = PACE.max(begun.elapsed() * PACE_PER_WORK);
            tokio::select! {
                () = soft.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    });
}

async fn sum(url: &Secret) -> Result<Vec<(String, String)>, String> {
    let options = PostgresOptions {
        schema: PART.schema,
        statement_timeout_ms: SUM_TIMEOUT_MS,
        application_name: "florin ledger balance check",
        ..PostgresOptions::default()
    };
    let mut connection = postgres::connect(url, &options)
        .await
        .map_err(|error| error.to_string())?;
    store::balances::sums(&mut connection)
        .await
        .map_err(|error| error.to_string())
}
