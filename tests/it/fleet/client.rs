//! A client that behaves: it repeats an unanswered write under the same key until it knows, and
//! it remembers what it was told.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use service_runtime::retry::{Policy, retry};

use super::history::History;

/// One attempt: longer than the ledger waits for its own engine (10 s).
const ATTEMPT: Duration = Duration::from_secs(15);
/// Until a write is known: longer than any fault that the tests cause.
const PATIENCE: Policy = Policy {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(500),
    give_up_after: Some(Duration::from_mins(1)),
};

/// Connections of one runtime.
pub fn connections() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(ATTEMPT)
        .build()
        .expect("a client")
}

/// The bearer of a token, at one ledger process.
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    pub(super) token: Option<String>,
    pub(super) subject: String,
    pub(super) history: Arc<History>,
}

/// A definite answer: anything but 503 and silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub replayed: bool,
    /// Attempts before this one that told nothing.
    pub unanswered: u32,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The stable code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no problem: {self:?}"))
            .to_owned()
    }

    /// The body of a write that was done.
    pub fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()
    }

    /// The body of a read.
    pub fn found(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }
}

impl Client {
    /// The same bearer at another ledger process.
    pub fn at(&self, http: &str) -> Self {
        Self {
            base: http.to_owned(),
            ..self.clone()
        }
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Writes, and does not rest before the outcome is known.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        let answer = self.order(key, path, body).await;
        let text = body.to_string();
        self.history
            .record((&self.subject, key), path, &text, &answer);
        answer
    }

    /// The same of what a worker does and keeps: the ledger's tables know nothing of it.
    pub async fn order(&self, key: &str, path: &str, body: &Value) -> Answer {
        let text = body.to_string();
        until_known(|| {
            let request = self
                .request(Method::POST, path)
                .header("Idempotency-Key", key);
            request
                .header("Content-Type", "application/json")
                .body(text.clone())
        })
        .await
        .unwrap_or_else(|error| panic!("no definite answer to {key} on {path}: {error}"))
    }

    /// Reads; an unavailable service is asked again.
    pub async fn get(&self, path: &str) -> Answer {
        until_known(|| self.request(Method::GET, path))
            .await
            .unwrap_or_else(|error| panic!("no definite answer to GET {path}: {error}"))
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a bearer")
    }

    /// Writes once, with headers of one's own.
    pub async fn post_with(
        &self,
        key: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let mut request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key)
            .json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("it answers");
        let status = response.status().as_u16();
        (status, response.text().await.expect("a body"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Opens a wallet of `kind` and answers its id.
    pub async fn open(&self, owner: &str, kind: &str) -> String {
        let body = serde_json::json!({ "owner": owner, "kind": kind });
        let key = format!("open {owner}").replace(' ', "-");
        let wallet = self.post(&key, "/v1/wallets", &body).await.created();
        wallet["id"]
            .as_str()
            .expect("a wallet has an id")
            .to_owned()
    }

    /// Opens a customer's wallet that holds `amount` euros.
    pub async fn open_with(&self, owner: &str, amount: &str) -> String {
        let wallet = self.open(owner, "customer").await;
        self.deposit(&format!("fund-{owner}"), &wallet, amount)
            .await
            .created();
        wallet
    }

    /// Puts euros into a wallet.
    pub async fn deposit(&self, key: &str, wallet: &str, amount: &str) -> Answer {
        self.post(
            key,
            &format!("/v1/wallets/{wallet}/deposit"),
            &euros(amount),
        )
        .await
    }

    /// Takes euros out of a wallet.
    pub async fn withdraw(&self, key: &str, wallet: &str, amount: &str) -> Answer {
        self.post(
            key,
            &format!("/v1/wallets/{wallet}/withdraw"),
            &euros(amount),
        )
        .await
    }

    /// Moves euros between wallets.
    pub async fn transfer(&self, key: &str, from: &str, to: &str, amount: &str) -> Answer {
        let mut body = euros(amount);
        body["to_wallet"] = to.into();
        self.post(key, &format!("/v1/wallets/{from}/transfer"), &body)
            .await
    }

    /// What is posted in a wallet, in euros.
    pub async fn balance(&self, wallet: &str) -> String {
        let wallet = self.get(&format!("/v1/wallets/{wallet}")).await.found();
        let balances = wallet["balances"]
            .as_array()
            .expect("a wallet has balances");
        let euros = balances.iter().find(|balance| balance["currency"] == "EUR");
        euros
            .map_or("0.00", |euros| euros["posted"].as_str().expect("a text"))
            .to_owned()
    }
}

/// The body of a movement of euros.
pub fn euros(amount: &str) -> Value {
    serde_json::json!({ "amount": amount, "currency": "EUR" })
}

async fn until_known(request: impl Fn() -> RequestBuilder) -> Result<Answer, String> {
    let mut attempts = 0;
    let outcome = retry(
        &PATIENCE,
        |_| true,
        || {
            attempts += 1;
            attempt(request())
        },
    )
    .await;
    outcome.map(|answer| Answer {
        unanswered: attempts - 1,
        ..answer
    })
}

/// `Err` when it told nothing: no connection, a cut one, or 503.
async fn attempt(request: RequestBuilder) -> Result<Answer, String> {
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let replayed = response.headers().get("Idempotent-Replayed").is_some();
    let body = response
        .text()
        .await
        .map_err(|error| format!("{error:?}"))?;
    if status == 503 {
        Err(body)
    } else {
        Ok(Answer {
            status,
            body,
            replayed,
            unanswered: 0,
        })
    }
}
