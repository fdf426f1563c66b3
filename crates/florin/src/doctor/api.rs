//! The HTTP API, as a client of it: a token of our own, and one read.

use std::time::Duration;

use serde_json::Value;

use super::patient::Patient;
use crate::token::{self, Grant, Role};

const CHECK: &str = "api";
/// A read takes milliseconds; the ledger gives up waiting for its database after five seconds.
const ANSWER: Duration = Duration::from_secs(7);

pub async fn check(patient: &mut Patient) {
    let services = patient.endpoints().services;
    let ledgers = services.iter().filter_map(|(name, service)| {
        let http = service.http.clone()?;
        Some((name.clone(), http))
    });
    for (name, http) in ledgers.collect::<Vec<_>>() {
        // Told already.
        if patient.has_found("services", &name) || patient.database.is_none() {
            continue;
        }
        let key = match token::signing_key(&patient.fleet.dir) {
            Ok(key) => Grant::staff(Role::Operator, "doctor").sign(&key),
            Err(error) => Err(error),
        };
        match key {
            Ok(token) => ask(patient, &name, &http, &token).await,
            Err(error) => {
                let found = format!("no token can be made: {error:#}");
                let advice = "Put the fleet's jwt-private.pem back, or remove both halves of the \
                              pair and start the fleet again: then all old tokens are void.";
                patient.broken(CHECK, name, found, advice);
            }
        }
    }
}

async fn ask(patient: &mut Patient, name: &str, http: &str, token: &str) {
    let request = reqwest::Client::new()
        .get(format!("{http}/v1/wallets?limit=1"))
        .bearer_auth(token)
        .timeout(ANSWER);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let found = format!("{http} does not answer: {}", error.without_url());
            let advice = "Its admin address does: see that nothing stands between, and the end of \
                          its log.";
            return patient.broken(CHECK, name, found, advice);
        }
    };
    let status = response.status().as_u16();
    if status == 200 {
        return;
    }
    let problem: Value = response.json().await.unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or("no code");
    let found = format!("it answers {status} ({code}) to a token of this fleet");
    let advice = match status {
        401 | 403 => {
            "It verifies tokens with another key: compare its --jwt-public-key with jwt-public.pem \
             here, and both clocks."
        }
        _ => "See its log; the answer's code is explained at /docs.",
    };
    patient.broken(CHECK, name, found, advice);
}
