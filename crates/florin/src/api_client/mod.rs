//! A small typed client of the HTTP API. Writes carry an idempotency key, and an answer of 503
//! or a broken connection is tried again under the same key until the patience ends, so that a
//! caller learns the outcome or that there is none.

mod alerts;
mod bodies;
mod corrections;
mod dead_letters;
mod error;
mod holds;
mod rates;
mod settlements;

use std::time::Duration;

use anyhow::Context as _;
use contracts::WalletId;
use contracts::rpc::WalletStats;
use reqwest::{Method, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service_runtime::retry::Policy;

pub use alerts::{Alert, Evidence};
pub use bodies::{
    Balance, CreditLimit, Leg, Movement, NewAdjustment, NewPayment, NewRefund, NewWallet, Page,
    Transaction, Wallet, Written,
};
pub use dead_letters::{Act, Acted, Action, DeadLetter, DeadLetterPage, Header, WholeDeadLetter};
pub use error::ApiError;
pub use holds::{Hold, NewHold};
pub use rates::{NewExchange, NewQuote, NewRate, NewRates, Price, Quote, Rate, Rates, RatesSet};
pub use settlements::{Batch, Cut, CutAnswer};

use self::error::spaced;

/// One attempt: longer than the ledger waits for its own engine (10 s).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an unavailable ledger is asked again, unless told otherwise: a restart of every
/// process takes a few seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client with one token. Clones share its connections.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: Url,
    token: String,
    patience: Duration,
}

#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: Option<String>,
}

/// What one attempt met that another may not.
struct Unavailable {
    why: String,
    retry_after: Option<Duration>,
}

impl ApiClient {
    /// A client of the API at `base`, which presents `token`.
    ///
    /// # Errors
    /// When `base` is not a URL.
    pub fn new(base: &str, token: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(ATTEMPT_TIMEOUT)
            .build()
            .context("cannot make an HTTP client")?;
        let base = Url::parse(base).with_context(|| format!("{base} is not a URL"))?;
        Ok(Self {
            http,
            base,
            token,
            patience: PATIENCE,
        })
    }

    /// The same client, which gives an unavailable ledger up after `patience`; zero tries once.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same client for the bearer of another token.
    #[must_use]
    pub fn with_token(&self, token: String) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    /// Opens a wallet.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn open_wallet(
        &self,
        key: &str,
        wallet: &NewWallet,
    ) -> Result<Written<Wallet>, ApiError> {
        self.write(key, &["v1", "wallets"], wallet).await
    }

    /// Puts money into a wallet.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn deposit(
        &self,
        key: &str,
        wallet: WalletId,
        movement: &Movement,
    ) -> Result<Written<Transaction>, ApiError> {
        self.write(
            key,
            &["v1", "wallets", &wallet.to_string(), "deposit"],
            movement,
        )
        .await
    }

    /// Takes money out of a wallet.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn withdraw(
        &self,
        key: &str,
        wallet: WalletId,
        movement: &Movement,
    ) -> Result<Written<Transaction>, ApiError> {
        self.write(
            key,
            &["v1", "wallets", &wallet.to_string(), "withdraw"],
            movement,
        )
        .await
    }

    /// Moves money to the movement's `to_wallet`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn transfer(
        &self,
        key: &str,
        wallet: WalletId,
        movement: &Movement,
    ) -> Result<Written<Transaction>, ApiError> {
        self.write(
            key,
            &["v1", "wallets", &wallet.to_string(), "transfer"],
            movement,
        )
        .await
    }

    /// Pays a merchant.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn pay(
        &self,
        key: &str,
        payment: &NewPayment,
    ) -> Result<Written<Transaction>, ApiError> {
        self.write(key, &["v1", "payments"], payment).await
    }

    /// A wallet and its balances.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn wallet(&self, wallet: WalletId) -> Result<Wallet, ApiError> {
        self.read(&["v1", "wallets", &wallet.to_string()], &[])
            .await
    }

    /// The wallets with this reference, at most a page of them.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn wallets_by_reference(&self, reference: &str) -> Result<Page<Wallet>, ApiError> {
        self.read(&["v1", "wallets"], &[("reference", reference)])
            .await
    }

    /// A page of a wallet's transactions, newest first.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn history(
        &self,
        wallet: WalletId,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, ApiError> {
        let query: Vec<_> = cursor
            .map(|cursor| ("cursor", cursor))
            .into_iter()
            .collect();
        self.read(&["v1", "wallets", &wallet.to_string(), "history"], &query)
            .await
    }

    /// A wallet's statistics.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn stats(&self, wallet: WalletId) -> Result<WalletStats, ApiError> {
        self.read(&["v1", "wallets", &wallet.to_string(), "stats"], &[])
            .await
    }

    async fn write<T: DeserializeOwned>(
        &self,
        key: &str,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Written<T>, ApiError> {
        let body =
            serde_json::to_vec(body).map_err(|error| ApiError::Malformed(error.to_string()))?;
        let request = || {
            self.http
                .request(Method::POST, self.url(path, &[]))
                .header("Idempotency-Key", key)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone())
        };
        self.send(request).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        let request = || self.http.request(Method::GET, self.url(path, query));
        self.send(request)
            .await
            .map(|answer: Written<T>| answer.body)
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Written<T>, ApiError> {
        let policy = Policy {
            first: Duration::from_millis(50),
            longest: Duration::from_secs(2),
            give_up_after: Some(self.patience),
        };
        let mut delays = policy.delays();
        loop {
            let unavailable = match self.attempt(request().bearer_auth(&self.token)).await? {
                Ok(answer) => return Ok(answer),
                Err(unavailable) => unavailable,
            };
            let next = if self.patience.is_zero() {
                None
            } else {
                delays.next_delay()
            };
            let Some(delay) = next else {
                return Err(ApiError::OutOfReach {
                    base: self.base.to_string(),
                    why: unavailable.why,
                });
            };
            // The ledger says how long it wants to be left alone, but seconds are its unit and
            // a restart is often shorter.
            let asked = unavailable.retry_after.unwrap_or(policy.longest);
            tokio::time::sleep(delay.min(asked)).await;
        }
    }

    /// The outer error is final, the inner one is worth another attempt.
    async fn attempt<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Result<Written<T>, Unavailable>, ApiError> {
        let unavailable = |error: &reqwest::Error| {
            let cause = std::error::Error::source(error);
            let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
            Ok(Err(Unavailable {
                why,
                retry_after: None,
            }))
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return unavailable(&error),
        };
        let status = response.status();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let replayed = header("idempotent-replayed").as_deref() == Some("true");
        let retry_after = header("retry-after").and_then(|text| text.parse().ok());
        // An answer that breaks off in the middle says nothing about the outcome.
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return unavailable(&error),
        };
        if status.is_success() {
            let body = serde_json::from_slice(&body)
                .map_err(|error| ApiError::Malformed(error.to_string()))?;
            return Ok(Ok(Written { body, replayed }));
        }
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem.detail.unwrap_or(problem.title);
        if matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            let why = format!("{} {}{}", status.as_u16(), problem.code, spaced(&detail));
            let retry_after = retry_after.map(Duration::from_secs);
            return Ok(Err(Unavailable { why, retry_after }));
        }
        Err(ApiError::Refused {
            status: status.as_u16(),
            code: problem.code,
            detail,
            replayed,
        })
    }
}
