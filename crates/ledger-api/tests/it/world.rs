//! A ledger of one test: its own database and stream prefix, served in this process, with keys to
//! mint tokens for anybody.

use std::{
    fmt::Display,
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_lc_rs::{
    encoding::AsDer,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::topology::Topology;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ledger_api::{
    Config,
    auth::{AUDIENCE, Claims, ISSUER, Role},
    posting::QUEUE_DEFAULT,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service_runtime::{Clock, Process, Secret, ServiceConfig};
use sqlx::PgPool;
use testkit::eventually;
use tokio::net::TcpListener;

use crate::books::{PASSWORD, database};

/// A key pair that signs tokens.
pub struct Keys {
    pub encoding: EncodingKey,
    pub public_pem: String,
}

impl Keys {
    pub fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .expect("a key pair is made");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("what was just made parses");
        let public = pair
            .public_key()
            .as_der()
            .expect("a public key is DER")
            .as_ref()
            .to_vec();
        Self {
            encoding: EncodingKey::from_ed_der(pkcs8.as_ref()),
            public_pem: format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                BASE64_STANDARD.encode(public)
            ),
        }
    }

    /// Signs whatever claims.
    pub fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.encoding)
            .expect("claims are JSON")
    }
}

/// The claims of a good token: `sub` is the owner's name, or the role's for staff.
pub fn claims(role: Role, owner: &str) -> Value {
    let now = Clock::system().now().timestamp();
    let sub = if owner.is_empty() {
        role.as_str()
    } else {
        owner
    };
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: sub.to_owned(),
        role: role.as_str().to_owned(),
        owner: owner.to_owned(),
        exp: now + 3600,
        iat: now,
    };
    serde_json::to_value(claims).expect("claims are JSON")
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The body of a good answer.
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/json");
        self.json()
    }

    /// Checks that it is this problem, whole and well-formed.
    pub fn refused(&self, status: u16, code: &str, about: impl Display) {
        let problem = self.json();
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{about}: {}",
            self.text
        );
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{about}"
        );
        assert_eq!(problem["status"], status, "{about}");
        assert_eq!(problem["type"], format!("/errors/{code}"), "{about}");
        assert!(
            problem["title"].is_string() && problem["instance"].is_string(),
            "{about}"
        );
        let waits = matches!(status, 429 | 503);
        assert_eq!(self.headers.contains_key("retry-after"), waits, "{about}");
    }
}

/// A ledger and its database.
pub struct World {
    pub owner: PgPool,
    pub process: Process,
    pub address: SocketAddr,
    pub keys: Keys,
    pub prefix: String,
    client: reqwest::Client,
}

impl World {
    /// A ledger on the binary's servers.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A ledger with some setting changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Clock::system(), change).await
    }

    /// A ledger that goes by a clock of the test.
    pub async fn start_at(clock: Clock) -> Self {
        Self::start_on(clock, |_| {}).await
    }

    async fn start_on(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let database = database().await;
        let keys = Keys::new();
        let prefix = testkit::stream_prefix();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let jwt_public_key = folder.path().join("jwt.pem");
        std::fs::write(&jwt_public_key, &keys.public_pem).expect("the key can be written");
        let mut config = Config {
            service: ServiceConfig {
                database_url: Secret::new(database.url_as("florin_ledger", PASSWORD)),
                nats_url: testkit::servers().nats.url(),
                prefix: prefix.clone(),
                admin: SocketAddr::from(([127, 0, 0, 1], 0)),
                log: "warn".to_owned(),
                drain_seconds: 10,
                print_config: false,
            },
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            jwt_public_key,
            lanes: 2,
            requests_per_second: 0,
            exchange: ledger_api::ExchangeConfig::default(),
            queue: QUEUE_DEFAULT,
            trusted_proxies: Vec::new(),
            allow_fsync_off: true,
        };
        change(&mut config);
        let listener = TcpListener::bind(config.http).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let process = Process::new("ledger-api", clock);
        ledger_api::run_on(listener, config, process.clone())
            .await
            .expect("the ledger starts");
        let client = reqwest::Client::new();
        Self {
            owner: database.pool().await,
            process,
            address,
            keys,
            prefix,
            client,
        }
    }

    pub fn topology(&self) -> Topology {
        Topology::with_prefix(&self.prefix)
    }

    /// A good token; staff have no owner.
    pub fn token(&self, role: Role, owner: &str) -> String {
        self.keys.sign(&claims(role, owner))
    }

    /// A good token by the clock of the ledger, for an hour of it.
    pub fn token_now(&self, role: Role, owner: &str) -> String {
        let now = self.process.clock().now().timestamp();
        let mut claims = claims(role, owner);
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 3600);
        self.keys.sign(&claims)
    }

    /// A token of staff that may do everything.
    pub fn staff(&self) -> String {
        self.token(Role::Operator, "")
    }

    pub fn customer(&self, owner: &str) -> String {
        self.token(Role::Customer, owner)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub async fn send(request: RequestBuilder) -> Reply {
        let response = request.send().await.expect("the ledger answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer is whole");
        Reply {
            status,
            headers,
            text,
        }
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        Self::send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// Writes under a key.
    pub async fn post(&self, token: &str, path: &str, key: &str, body: &Value) -> Reply {
        let request = self.request(Method::POST, path).bearer_auth(token);
        Self::send(request.header("idempotency-key", key).json(body)).await
    }

    /// Writes under a key of its own.
    pub async fn write(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.post(token, path, &fresh_key(), body).await
    }

    /// Opens a wallet and returns its id.
    pub async fn wallet(&self, owner: &str, kind: &str) -> String {
        let body = json!({"owner": owner, "kind": kind});
        let wallet = self
            .write(&self.staff(), "/v1/wallets", &body)
            .await
            .ok(201);
        wallet["id"].as_str().expect("an id").to_owned()
    }

    /// Opens a customer's wallet with money in it.
    pub async fn wallet_with(&self, owner: &str, amount: &str, currency: &str) -> String {
        let wallet = self.wallet(owner, "customer").await;
        let body = json!({"amount": amount, "currency": currency});
        self.write(
            &self.staff(),
            &format!("/v1/wallets/{wallet}/deposit"),
            &body,
        )
        .await
        .ok(201);
        wallet
    }

    /// Pays a merchant in euros.
    pub async fn pay(&self, wallet: &str, merchant: &str, amount: &str, order: &str) -> Reply {
        let body = json!({"wallet": wallet, "merchant": merchant, "amount": amount,
                          "currency": "EUR", "order_reference": order});
        self.write(&self.staff(), "/v1/payments", &body).await
    }

    /// What a wallet holds in euros.
    pub async fn holds(&self, wallet: &str) -> String {
        let path = format!("/v1/wallets/{wallet}");
        let found = self.get(&self.staff(), &path).await.ok(200);
        let balances = found["balances"].as_array().expect("a list");
        let euros = balances.iter().find(|balance| balance["currency"] == "EUR");
        euros.map_or_else(
            || "0.00".to_owned(),
            |own| own["posted"].as_str().expect("a text").to_owned(),
        )
    }

    /// How many rows each table has, and where the log ends: what a refused request leaves alone.
    pub async fn rows(&self) -> Vec<i64> {
        sqlx::query_scalar(
            "SELECT count(*) FROM ledger.wallets UNION ALL SELECT count(*) FROM ledger.balances
             UNION ALL SELECT count(*) FROM ledger.postings
             UNION ALL SELECT count(*) FROM ledger.events
             UNION ALL SELECT count(*) FROM ledger.idempotency_keys
             UNION ALL SELECT count(*) FROM ledger.answers
             UNION ALL SELECT seq FROM ledger.head
             UNION ALL SELECT count(*) FROM ledger.orders
             UNION ALL SELECT count(*) FROM ledger.corrections
             UNION ALL SELECT count(*) FROM ledger.fee_rules
             UNION ALL SELECT count(*) FROM ledger.holds",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the database answers")
    }

    /// Waits until a lane waits for a lock.
    pub async fn wait_for_lane(&self) {
        eventually(
            "a lane waits for a lock",
            Duration::from_secs(20),
            async || {
                sqlx::query_scalar::<_, bool>(
                    "SELECT count(*) > 0 FROM pg_stat_activity
                 WHERE application_name = 'florin-lane' AND datname = current_database()
                   AND wait_event_type = 'Lock'",
                )
                .fetch_one(&self.owner)
                .await
                .expect("the database answers")
            },
        )
        .await;
    }

    /// Ends the ledger and proves by plain SQL that its books balance.
    pub async fn close(self) {
        self.process.shutdown();
        self.process
            .wait(Duration::from_secs(10))
            .await
            .expect("no task crashed");
        let wrong: Vec<String> = sqlx::query_scalar(
            "SELECT 'postings of ' || currency || ' sum to ' || sum(amount)
             FROM ledger.postings GROUP BY currency HAVING sum(amount) <> 0
             UNION ALL
             SELECT 'balance ' || b.wallet_id || ' ' || b.currency || ' is not its postings'
             FROM ledger.balances b LEFT JOIN ledger.postings p USING (wallet_id, account, currency)
             GROUP BY b.wallet_id, b.account, b.currency, b.posted, b.version
             HAVING b.posted <> coalesce(sum(p.amount), 0) OR b.version <> count(p.seq)
             UNION ALL
             SELECT 'what is held of ' || b.wallet_id || ' is not what its holds have left'
             FROM ledger.balances b LEFT JOIN ledger.holds h
                  ON h.wallet_id = b.wallet_id AND h.currency = b.currency AND h.state = 'open'
             WHERE b.account = 'main'
             GROUP BY b.wallet_id, b.currency, b.held
             HAVING b.held <> coalesce(sum(h.amount - h.captured), 0)
             UNION ALL
             SELECT 'the log has a gap' FROM ledger.head
             WHERE seq <> (SELECT count(*) FROM ledger.events)",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the database answers");
        assert_eq!(wrong, Vec::<String>::new());
        self.remove_stream().await;
    }

    /// The stream reserves its largest size, and the server has room for a few of them only.
    async fn remove_stream(&self) {
        let url = testkit::servers().nats.url();
        let client = async_nats::connect(url).await.expect("nats-server answers");
        // A ledger without NATS has none.
        let _ = async_nats::jetstream::new(client)
            .delete_stream(self.topology().ledger_stream().name)
            .await;
    }
}

/// A key that nobody used.
pub fn fresh_key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
