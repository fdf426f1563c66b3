//! The relay: the only publisher of a log.
//!
//! Every event of `events` goes to the stream once, in order of `seq`. What guards that:
//!
//! * **One leader.** A session advisory lock, on the connection that also reads the log and
//!   moves the cursor: a relay that lost its lock cannot move the cursor either.
//! * **The fence.** Each message names the stream's own last sequence that it must follow, and
//!   the id of the message before when that is in flight too. Publishes are pipelined; when one
//!   is lost or refused, all later ones are refused, and so are those of a relay that was paused
//!   and woke up after another had taken over.
//! * **The look.** The cursor is a hint. At the start, after a reconnect, and after any publish
//!   that did not simply succeed (one that timed out may still be stored), the stream's last
//!   message decides: it names its position and hash in the log, and the relay goes on after it.
//! * **The epoch.** A stream that is new, purged or shorter than the cursor is filled again
//!   from the log. nats-server would take the old ids for duplicates and store nothing, so the
//!   ids end in an epoch, which is raised and persisted first.
//!
//! The relay never skips a sequence number and never publishes on top of another history: it
//! stops, says so in the process's health, and keeps looking.

mod decide;
mod fence;
mod leader;
mod message;
mod publish;

use std::{sync::Arc, time::Duration};

use async_nats::{Client, jetstream};
use contracts::topology::{StreamSpec, Topology};
use metrics::{counter, gauge};
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Process, Secret, State,
    metrics::{
        RELAY_EPOCH, RELAY_FOREIGN, RELAY_LAG_EVENTS, RELAY_LAG_SECONDS, RELAY_LEADER,
        RELAY_PUBLISHED, RELAY_RESYNCS,
    },
    postgres::PostgresOptions,
    relay::{leader::Leader, publish::Pump},
    retry::Policy,
};

/// The relay's part of the process's health.
const HEALTH_PART: &str = "relay";
/// How long nats-server has to acknowledge a publish or answer about a stream. Beyond it the
/// outcome is unknown, and the look decides.
const NATS_WAIT: Duration = Duration::from_secs(5);
/// How often a relay that stands by asks for the lock.
const STAND_BY: Duration = Duration::from_millis(500);
/// How often a relay that must not publish looks whether it may again.
const STOPPED: Duration = Duration::from_secs(10);
/// Looks in a row that led to nothing before the health says so.
const FRUITLESS_MAX: u32 = 5;
/// How often a waiting leader shows Postgres that it lives; see [`leader::OPTIONS`].
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long a page in hand may still take at a soft shutdown.
const FAREWELL: Duration = Duration::from_secs(1);
/// Pause between two attempts to listen for notifications: without them the timer still works.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What a relay publishes, and where.
#[derive(Clone, Debug)]
pub struct RelaySettings {
    /// The database that has the log.
    pub url: Secret,
    /// The schema with the tables `events`, `head` and `relay`.
    pub schema: &'static str,
    /// `ce-source`, such as `/florin/ledger`.
    pub source: &'static str,
    /// Where to.
    pub stream: StreamSpec,
    /// Puts its prefix before the subjects.
    pub topology: Topology,
    /// The channel that the log's writer notifies; without one the timer alone wakes the relay.
    pub notify_channel: Option<&'static str>,
}

/// The only publisher of a log. Several may run: one leads, the others stand by.
pub struct Relay {
    settings: RelaySettings,
    client: Client,
    js: jetstream::Context,
    notified: Arc<Notify>,
}

/// Why the relay does not go on publishing.
#[derive(Debug)]
enum Trouble {
    /// The leader's connection failed, and with it the lock is gone.
    Postgres(sqlx::Error),
    /// The outcome of a publish is not known, or the stream is not what the relay believes: it
    /// must look. The cause is a label of the metric.
    Look(Cause),
    /// NATS does not answer, or refuses.
    Nats(String),
    /// Publishing would be wrong. An operator must act.
    Stop(String),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

/// Why the relay looks for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Start,
    Reconnect,
    Timeout,
    WrongLastSequence,
    /// nats-server knows the id of this sequence number: whether it is stored, the look tells.
    Duplicate(u64),
    StreamMissing,
    StreamChanged,
    PublishFailed,
    Retry,
}

impl Cause {
    /// Each of them once, for the metric.
    const ALL: &'static [Self] = &[
        Self::Start,
        Self::Reconnect,
        Self::Timeout,
        Self::WrongLastSequence,
        Self::Duplicate(0),
        Self::StreamMissing,
        Self::StreamChanged,
        Self::PublishFailed,
        Self::Retry,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reconnect => "reconnect",
            Self::Timeout => "timeout",
            Self::WrongLastSequence => "wrong_last_sequence",
            Self::Duplicate(_) => "duplicate",
            Self::StreamMissing => "stream_missing",
            Self::StreamChanged => "stream_changed",
            Self::PublishFailed => "publish_failed",
            Self::Retry => "retry",
        }
    }
}

impl Relay {
    /// A relay that has not begun.
    pub fn new(settings: RelaySettings, client: Client) -> Self {
        let js = jetstream::context::ContextBuilder::new()
            .timeout(NATS_WAIT)
            .ack_timeout(NATS_WAIT)
            .max_ack_inflight(2 * publish::WINDOW)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Self {
            settings,
            client,
            js,
            notified: Arc::new(Notify::new()),
        }
    }

    /// Publishes until the process stops. Postgres or NATS being away is waited out.
    ///
    /// # Errors
    /// None at present: whatever happens is retried and shown in the process's health.
    pub async fn run(self, process: Process) -> anyhow::Result<()> {
        self.show();
        let listening = self.listen();
        tokio::select! {
            () = self.lead_or_stand_by(&process) => Ok(()),
            () = listening => Ok(()),
        }
    }

    /// Wakes the relay when the log's writer notifies. Never ends.
    async fn listen(&self) {
        let Some(channel) = self.settings.notify_channel else {
            return std::future::pending().await;
        };
        loop {
            if let Err(error) = self.listen_once(channel).await {
                tracing::debug!(error = error.to_string(), "Does not hear notifications now");
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn listen_once(&self, channel: &str) -> Result<(), sqlx::Error> {
        let options = PostgresOptions {
            schema: self.settings.schema,
            application_name: "florin relay listener",
            ..PostgresOptions::default()
        };
        let options = options.connect_options(&self.settings.url)?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(channel).await?;
        loop {
            listener.recv().await?;
            self.notified.notify_one();
        }
    }

    async fn lead_or_stand_by(&self, process: &Process) {
        let soft = process.soft();
        let mut delays = Policy::FOR_EVER.delays();
        while !soft.is_cancelled() {
            let outcome = self.term(process).await;
            self.gauge_leader(false);
            let Err(error) = outcome else { return };
            let why = format!("no connection to the log: {error}");
            process.health().set(HEALTH_PART, State::Degraded(why));
            tokio::select! {
                _ = delays.wait() => {}
                () = soft.cancelled() => return,
            }
        }
    }

    /// From connecting to losing the connection; `Ok` when the process stops.
    async fn term(&self, process: &Process) -> Result<(), sqlx::Error> {
        let soft = process.soft();
        let mut leader = Leader::connect(&self.settings).await?;
        while !leader.try_lock().await? {
            process.health().set(HEALTH_PART, State::Ok);
            tokio::select! {
                () = tokio::time::sleep(STAND_BY) => {}
                () = soft.cancelled() => return Ok(()),
            }
        }
        tracing::info!(stream = self.settings.stream.name, "Leads the relay");
        self.gauge_leader(true);
        let outcome = self.lead(process, &mut leader).await;
        if outcome.is_ok() {
            // Ends the session now, so that a relay that stands by takes over at once.
            leader.close().await;
        }
        outcome
    }

    async fn lead(&self, process: &Process, leader: &mut Leader) -> Result<(), sqlx::Error> {
        let soft = process.soft();
        let mut delays = Policy::FOR_EVER.delays();
        let mut cause = Cause::Start;
        let mut fruitless = 0;
        loop {
            let stream = self.settings.stream.name.clone();
            counter!(RELAY_RESYNCS.name, "stream" => stream, "cause" => cause.label()).increment(1);
            let mut pump = Pump::new(self, process, leader);
            let health = process.health();
            let work = async {
                let position = pump.look(cause).await?;
                if fruitless < FRUITLESS_MAX {
                    health.set(HEALTH_PART, State::Ok);
                }
                pump.publish_from(position).await
            };
            let outcome = tokio::select! {
                outcome = work => outcome,
                () = overstays(&soft) => return Ok(()),
            };
            if pump.has_settled() {
                delays.reset();
                fruitless = 0;
            }
            let wait = match outcome {
                Ok(()) => return Ok(()),
                Err(Trouble::Postgres(error)) => return Err(error),
                Err(Trouble::Look(next)) => {
                    tracing::info!(cause = next.label(), "Looks for its place in the stream");
                    cause = next;
                    fruitless += 1;
                    if fruitless >= FRUITLESS_MAX {
                        let why = format!("cannot publish: {}", next.label());
                        health.set(HEALTH_PART, State::Degraded(why));
                    }
                    delays.next_delay().unwrap_or(STOPPED)
                }
                Err(Trouble::Nats(why)) => {
                    health.set(HEALTH_PART, State::Degraded(why));
                    cause = Cause::Retry;
                    delays.next_delay().unwrap_or(STOPPED)
                }
                Err(Trouble::Stop(why)) => {
                    health.set(HEALTH_PART, State::Down(why));
                    cause = Cause::Retry;
                    STOPPED
                }
            };
            tokio::select! {
                outcome = leader.stay(wait) => outcome?,
                () = soft.cancelled() => return Ok(()),
            }
        }
    }

    /// Shows the relay's metrics before anything has happened.
    fn show(&self) {
        let stream = self.settings.stream.name.as_str();
        for metric in [
            RELAY_LEADER,
            RELAY_LAG_EVENTS,
            RELAY_LAG_SECONDS,
            RELAY_PUBLISHED,
            RELAY_FOREIGN,
            RELAY_EPOCH,
        ] {
            metric.show(&[("stream", stream)]);
        }
        for cause in Cause::ALL {
            RELAY_RESYNCS.show(&[("stream", stream), ("cause", cause.label())]);
        }
    }

    fn gauge_leader(&self, leads: bool) {
        let stream = self.settings.stream.name.clone();
        gauge!(RELAY_LEADER.name, "stream" => stream).set(u8::from(leads));
    }
}

/// A page in hand is finished at a soft shutdown, unless NATS is away: whatever becomes of it,
/// the next look finds the place.
async fn overstays(soft: &CancellationToken) {
    soft.cancelled().await;
    tokio::time::sleep(FAREWELL).await;
}
