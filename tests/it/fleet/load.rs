//! Traffic while something else happens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use testkit::eventually;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{Client, client::euros};

/// Clients at work at the same time.
const CLIENTS: usize = 8;
/// Between two writes of one client: 800 writes a second are load enough for two cores that
/// also run every server.
const PACE: Duration = Duration::from_millis(10);
/// After a restart a client may have waited for an attempt's whole time (15 s) and a repetition.
const GOES_ON: Duration = Duration::from_secs(45);

/// The wallets that traffic runs between.
#[derive(Clone)]
pub struct LoadWallets {
    customers: Arc<[String]>,
    merchants: Arc<[String]>,
}

impl LoadWallets {
    /// Opens ten funded customers and two merchants.
    pub async fn open(client: &Client) -> Self {
        let (mut customers, mut merchants) = (Vec::new(), Vec::new());
        for n in 0..10 {
            customers.push(
                client
                    .open_with(&format!("load-customer-{n}"), "1000.00")
                    .await,
            );
        }
        for n in 0..2 {
            merchants.push(client.open(&format!("load-merchant-{n}"), "merchant").await);
        }
        Self {
            customers: customers.into(),
            merchants: merchants.into(),
        }
    }
}

/// Clients that write a mixture of everything until told to end.
pub struct Load {
    clients: JoinSet<()>,
    ended: Arc<AtomicBool>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    acknowledged: AtomicU64,
    unanswered: AtomicU64,
}

impl Load {
    /// Starts the clients, whose keys begin with `name`.
    pub fn start(client: &Client, wallets: &LoadWallets, name: &str) -> Self {
        let (ended, counts) = (Arc::new(AtomicBool::new(false)), Arc::<Counts>::default());
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let (client, wallets, name) = (client.clone(), wallets.clone(), name.to_owned());
            let (ended, counts) = (Arc::clone(&ended), Arc::clone(&counts));
            clients.spawn(async move {
                let mut pace = interval(PACE);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for n in number.. {
                    pace.tick().await;
                    if ended.load(Ordering::SeqCst) {
                        return;
                    }
                    write(
                        &client,
                        &wallets,
                        &format!("{name}-{number}-{n}"),
                        n,
                        &counts,
                    )
                    .await;
                }
            });
        }
        Self {
            clients,
            ended,
            counts,
        }
    }

    /// Waits until `more` further writes are acknowledged: the ledger serves.
    pub async fn goes_on(&self, more: u64) {
        let enough = self.acknowledged() + more;
        eventually(
            &format!("{more} further writes are acknowledged"),
            GOES_ON,
            async || {
                let now = self.acknowledged();
                if now >= enough {
                    Ok(())
                } else {
                    Err(format!("{now} of {enough}"))
                }
            },
        )
        .await;
    }

    /// Writes that were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::SeqCst)
    }

    /// Attempts that told nothing: 503, or no connection.
    pub fn unanswered(&self) -> u64 {
        self.counts.unanswered.load(Ordering::SeqCst)
    }

    /// Lets every client finish what it has begun.
    pub async fn end(mut self) {
        self.ended.store(true, Ordering::SeqCst);
        while let Some(client) = self.clients.join_next().await {
            client.expect("a client of the load was treated well");
        }
    }
}

/// One write, every seventh of them twice: the history compares the answers byte by byte.
async fn write(client: &Client, wallets: &LoadWallets, key: &str, n: usize, counts: &Counts) {
    let customers = &wallets.customers;
    // Every customer comes to every kind of write.
    let one = &customers[(n / 10 + n) % customers.len()];
    let other = &customers[(n / 3 + 1) % customers.len()];
    let (verb, amount, expected) = match n % 10 {
        0..3 => ("deposit", "1.25", 201),
        3..5 => ("withdraw", "0.75", 201),
        5..8 if one != other => ("transfer", "0.50", 201),
        8 => ("pay", "0.30", 201),
        _ => ("withdraw", "999999.00", 422),
    };
    let mut body = euros(amount);
    // Nobody but us uses it, and we use it once: two events with it would be a double effect.
    body["reference"] = json!(format!("once:{key}"));
    let mut path = format!("/v1/wallets/{one}/{verb}");
    if verb == "transfer" {
        body["to_wallet"] = json!(other);
    } else if verb == "pay" {
        "/v1/payments".clone_into(&mut path);
        body["wallet"] = json!(one);
        body["merchant"] = json!(wallets.merchants[n % wallets.merchants.len()]);
        body["order_reference"] = json!(key);
    }
    for _ in 0..=usize::from(n.is_multiple_of(7)) {
        let answer = client.post(key, &path, &body).await;
        assert_eq!(answer.status, expected, "{key}: {answer:?}");
        counts
            .unanswered
            .fetch_add(u64::from(answer.unanswered), Ordering::SeqCst);
    }
    counts.acknowledged.fetch_add(1, Ordering::SeqCst);
}
