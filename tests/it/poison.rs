//! Messages that nobody can process, among messages that everybody must.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{self, Context},
};
use contracts::{
    headers,
    topology::{Topology, Worker},
};
use testkit::eventually;

use crate::fleet::{Fleet, Load, LoadWallets};

/// How often each kind of poison is published.
const ROUNDS: usize = 3;
/// Until every dead letter is written, and announced.
const ANNOUNCED: Duration = Duration::from_mins(1);

/// One message as a stranger, or a bug, may publish it.
struct Poison {
    headers: HeaderMap,
    data: String,
    /// What the dead letter says about it.
    error: &'static str,
}

/// An event of the log.
#[derive(sqlx::FromRow)]
struct Logged {
    seq: i64,
    subject: String,
    data: String,
    hash: String,
}

impl Logged {
    /// The headers that the relay sends it with.
    fn headers(&self) -> HeaderMap {
        let data: serde_json::Value = serde_json::from_str(&self.data).expect("events are JSON");
        let mut all = HeaderMap::new();
        all.insert(headers::SEQ, self.seq.to_string().as_str());
        all.insert(headers::HASH, self.hash.as_str());
        all.insert(headers::CE_ID, data["id"].as_str().expect("an id"));
        all.insert(headers::CE_TYPE, data["type"].as_str().expect("a type"));
        all
    }

    fn with_seq(&self, seq: i64) -> Self {
        let (old, new) = (format!("\"seq\":{}", self.seq), format!("\"seq\":{seq}"));
        assert!(self.data.contains(&old), "{}", self.data);
        let (subject, hash) = (self.subject.clone(), self.hash.clone());
        Self {
            seq,
            subject,
            data: self.data.replacen(&old, &new, 1),
            hash,
        }
    }
}

/// Positions that the log will not reach.
const BEYOND: i64 = 1_000_000;

fn poisons(real: &Logged) -> Vec<Poison> {
    const UNKNOWN: &str = "the log does not have it";
    let beyond = real.with_seq(BEYOND);
    let strange = r#"{"id":"evt_0190c9a28c047d1f8a6b3c4d5e6f7090","type":"florin.ledger.dance.posted.v1","seq":1000000}"#;
    let strange = Logged {
        data: strange.to_owned(),
        ..real.with_seq(BEYOND)
    };
    let mut disagreeing = real.headers();
    disagreeing.insert(headers::SEQ, (real.seq + 1).to_string().as_str());
    let poison = |headers, data: &str, error| Poison {
        headers,
        data: data.to_owned(),
        error,
    };
    vec![
        poison(HeaderMap::new(), "not JSON", "no Florin-Seq"),
        // Every header is a good one, and the bytes are none.
        poison(beyond.headers(), "{\"id\":", UNKNOWN),
        poison(strange.headers(), &strange.data, UNKNOWN),
        poison(beyond.headers(), &beyond.data, UNKNOWN),
        poison(
            disagreeing,
            &real.data,
            "the data's seq is not that of the header",
        ),
        // Somebody would like to be a hundred times as rich.
        poison(
            real.headers(),
            &real.data.replace("1.25", "125.00"),
            UNKNOWN,
        ),
    ]
}

/// A predecessor consumed its own dead letters and dropped them, and put events that were only
/// late among them (M11).
#[tokio::test(flavor = "multi_thread")]
async fn poison_is_put_aside_with_its_reason_and_its_neighbours_go_through() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("load");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "poison");
    load.goes_on(100).await;
    let context = jetstream::new(fleet.nats().await);
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let real = a_deposit(&fleet).await;
        for poison in poisons(&real) {
            publish(&context, &real.subject, poison.headers, &poison.data).await;
            expected.push(("foreign".to_owned(), poison.error.to_owned(), poison.data));
            if round == 0 && expected.len() == 2 {
                // This one shows that the worker has reached the log. While it has not, what
                // claims the place of a settled event is passed over unread: it has no effect.
                dead_letters(&fleet, 2).await;
            }
        }
        // A repetition is none: it is what a relay does that did not hear the receipt.
        publish(&context, &real.subject, real.headers(), &real.data).await;
        load.goes_on(20).await;
    }
    load.end().await;
    let (seq, data) = refused_by_a_constraint(&fleet).await;
    fleet.settle().await;

    expected.sort();
    let foreign = dead_letters(&fleet, expected.len()).await;
    assert_eq!(foreign, expected);
    let parked: Vec<(i64, String)> =
        sqlx::query_as("SELECT seq, reason FROM analytics.dead_letters WHERE seq IS NOT NULL")
            .fetch_all(&fleet.owner)
            .await
            .expect("the letters are there");
    assert_eq!(parked, [(seq, "constraint".to_owned())]);

    expected.push(("constraint".to_owned(), String::new(), data));
    let mut expected: Vec<_> = expected
        .into_iter()
        .map(|(reason, _, data)| (reason, data))
        .collect();
    expected.sort();
    assert_eq!(announced(&context, expected.len()).await, expected);
    fleet.close().await;
}

/// Reason, error and bytes of every message that no relay published, when there are enough.
async fn dead_letters(fleet: &Fleet, enough: usize) -> Vec<(String, String, String)> {
    let what = format!("{enough} dead letters");
    eventually(&what, ANNOUNCED, async || {
        let mut letters: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT reason, error, convert_from(data, 'UTF8') FROM analytics.dead_letters
             WHERE seq IS NULL AND state = 'parked'",
        )
        .fetch_all(&fleet.owner)
        .await
        .map_err(|error| error.to_string())?;
        letters.sort();
        if letters.len() >= enough {
            Ok(letters)
        } else {
            Err(format!("{letters:?}"))
        }
    })
    .await
}

/// The newest deposit of the load.
async fn a_deposit(fleet: &Fleet) -> Logged {
    sqlx::query_as(
        "SELECT seq, subject, data, encode(hash, 'hex') AS hash FROM ledger.events
         WHERE subject LIKE 'ledger.v1.deposit.posted.%' AND data LIKE '%\"1.25\"%'
         ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(&fleet.owner)
    .await
    .expect("there is a deposit")
}

async fn publish(context: &Context, subject: &str, headers: HeaderMap, data: &str) {
    let published = context
        .publish_with_headers(subject.to_owned(), headers, data.to_owned().into())
        .await;
    published.expect("published").await.expect("stored");
}

/// A good event that the worker's database refuses, with a good one on either side.
async fn refused_by_a_constraint(fleet: &Fleet) -> (i64, String) {
    let client = fleet.service("constraint");
    let refused = client.open_with("refused", "10.00").await;
    let neighbour = client.open_with("neighbour", "10.00").await;
    fleet.settle().await;
    let uuid = refused.trim_start_matches("wal_");
    let plant = include_str!("poison/plant.sql").replace("WALLET", uuid);
    sqlx::raw_sql(sqlx::AssertSqlSafe(plant))
        .execute(&fleet.owner)
        .await
        .expect("planted");
    client.deposit("before", &neighbour, "1.00").await.created();
    let seq = client.deposit("refused", &refused, "1.00").await.created()["seq"].as_i64();
    client.deposit("after", &neighbour, "1.00").await.created();
    let seq = seq.expect("a transaction has a seq");
    let data = sqlx::query_scalar("SELECT data FROM ledger.events WHERE seq = $1")
        .bind(seq)
        .fetch_one(&fleet.owner)
        .await
        .expect("the event is there");
    (seq, data)
}

/// Reason and bytes of everything on the worker's dead-letter stream.
async fn announced(context: &Context, expected: usize) -> Vec<(String, String)> {
    let name = Topology::default().dlq_stream(Worker::Analytics).name;
    let stream = context.get_stream(name).await.expect("the stream is there");
    let last = eventually("every dead letter is announced", ANNOUNCED, async || {
        let state = stream.get_info().await.expect("the stream is there").state;
        let enough = state.messages >= expected as u64;
        if enough {
            Ok(state.last_sequence)
        } else {
            Err(state.messages)
        }
    })
    .await;
    let mut messages = Vec::new();
    for sequence in 1..=last {
        let message = stream
            .get_raw_message(sequence)
            .await
            .expect("nothing is missing");
        let reason = message
            .headers
            .get(headers::DLQ_REASON)
            .expect("a reason")
            .to_string();
        messages.push((
            reason,
            String::from_utf8(message.payload.to_vec()).expect("text"),
        ));
    }
    messages.sort();
    messages
}
