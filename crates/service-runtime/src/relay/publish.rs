//! The pump: looks for its place, then publishes page after page behind the fence.

mod glance;

use std::{future::IntoFuture, pin::Pin, time::Duration};

use async_nats::jetstream::{
    context::{PublishError, PublishErrorKind},
    publish::PublishAck,
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use contracts::chain::Hash;
use futures_util::{StreamExt, stream::FuturesOrdered};
use metrics::{counter, gauge};
use tokio::time::Instant;

use super::{
    Cause, HEALTH_PART, Relay, Trouble,
    decide::{self, End, Place, Seen},
    fence,
    leader::{Leader, LogRow},
    message::{self, Follows, Stamp},
};
use crate::{
    Process, State,
    metrics::{
        RELAY_EPOCH, RELAY_FOREIGN, RELAY_LAG_EVENTS, RELAY_LAG_SECONDS, RELAY_PUBLISHED, to_f64,
    },
    nats::{self, TopologyError},
};

/// Publishes in flight: covers a round trip of some milliseconds at ten thousand events per
/// second, and is all that a failure makes uncertain.
pub(super) const WINDOW: usize = 256;
/// A page of this size shows a backlog, which does not wait for more.
const PAGE_FULL: usize = WINDOW;
/// The timer that wakes the relay when no notification does.
const WAKE_EVERY: Duration = Duration::from_millis(200);
/// From one page to the next: under load a page waits for more commits, because a round costs
/// as much as many events in it; after a quiet moment nothing waits.
const PACE: Duration = Duration::from_millis(20);
/// How often the gauges of the lag are set.
const GAUGE_EVERY: Duration = Duration::from_secs(1);
/// How often an idle or busy relay glances at the stream: deleting or purging it wakes nobody.
const GLANCE_EVERY: Duration = Duration::from_secs(5);

type Ack = Pin<Box<dyn Future<Output = Result<PublishAck, PublishError>> + Send>>;

/// Where the pump is.
pub(super) struct Position {
    place: Place,
    /// The hash at the cursor.
    hash: Hash,
    /// The stream's last sequence.
    fence: u64,
    /// How often the client had connected before the look.
    connects: u64,
    glanced: Instant,
    gauged: Option<Instant>,
}

pub(super) struct Pump<'a> {
    relay: &'a Relay,
    process: &'a Process,
    leader: &'a mut Leader,
    settled: bool,
}

impl<'a> Pump<'a> {
    pub(super) fn new(relay: &'a Relay, process: &'a Process, leader: &'a mut Leader) -> Self {
        Self {
            relay,
            process,
            leader,
            settled: false,
        }
    }

    /// Whether anything went well since the look: then the next failure is a new one.
    pub(super) const fn has_settled(&self) -> bool {
        self.settled
    }

    /// Looks at the stream, decides where to go on, and persists that.
    pub(super) async fn look(&mut self, cause: Cause) -> Result<Position, Trouble> {
        let spec = &self.relay.settings.stream;
        let connects = self.connects();
        let stream = match nats::ensure_stream(&self.relay.js, spec).await {
            Ok(stream) => stream,
            Err(error @ TopologyError::Differs { .. }) => {
                return Err(Trouble::Stop(error.to_string()));
            }
            Err(TopologyError::Server { name, source }) => {
                return Err(Trouble::Nats(format!("NATS did not give {name}: {source}")));
            }
        };
        let info = stream.cached_info();
        let place = self.leader.place().await?;
        let (head, _) = self.leader.head().await?;
        if place.cursor > head {
            return Err(Trouble::Stop(format!(
                "the log ends at {head}, before the relay's cursor {}",
                place.cursor
            )));
        }
        let walk = fence::walk(&stream, &info.state, self.leader, place.cursor).await?;
        if walk.foreign > 0 {
            let foreign = walk.foreign;
            tracing::error!(
                foreign,
                "Passed over messages in the stream that are not the log's"
            );
            counter!(RELAY_FOREIGN.name, "stream" => spec.name.clone()).increment(foreign);
        }
        let seen = Seen {
            end: walk.end,
            created: to_micros(info.created),
            retained_after: self.retained(head).await?.after(),
            duplicate: if let Cause::Duplicate(seq) = cause {
                Some(seq)
            } else {
                None
            },
        };
        let Some(next) = decide::decide(&place, &seen) else {
            return Err(diverged(&seen.end));
        };
        if next != place {
            self.leader.save(&next).await?;
        }
        if next.epoch > place.epoch {
            let (epoch, cursor) = (next.epoch, next.cursor);
            tracing::warn!(
                epoch,
                cursor,
                "Fills the stream again after {cursor}, epoch {epoch}"
            );
        }
        gauge!(RELAY_EPOCH.name, "stream" => spec.name.clone()).set(to_f64(next.epoch));
        // `around` the next position gives the hash at the cursor, also when the cursor is 0.
        let around = self.leader.around(next.cursor + 1).await?;
        let hash = around.before.ok_or_else(|| gap(next.cursor))?;
        Ok(Position {
            place: next,
            hash,
            fence: info.state.last_sequence,
            connects,
            glanced: Instant::now(),
            gauged: None,
        })
    }

    /// Publishes until the process stops.
    pub(super) async fn publish_from(&mut self, mut position: Position) -> Result<(), Trouble> {
        let soft = self.process.soft();
        while !soft.is_cancelled() {
            if self.connects() != position.connects {
                return Err(Trouble::Look(Cause::Reconnect));
            }
            if position.glanced.elapsed() >= GLANCE_EVERY {
                self.glance(&position).await?;
                position.glanced = Instant::now();
                self.settled();
            }
            let began = Instant::now();
            let rows = self.leader.page_after(position.place.cursor).await?;
            self.gauge_lag(&mut position, rows.first()).await?;
            if rows.is_empty() {
                tokio::select! {
                    () = self.relay.notified.notified() => {}
                    () = tokio::time::sleep(WAKE_EVERY) => {}
                    () = soft.cancelled() => {}
                }
                continue;
            }
            let full = rows.len() >= PAGE_FULL;
            self.publish_page(rows, &mut position).await?;
            self.leader.move_cursor(position.place.cursor).await?;
            self.settled();
            if !full {
                tokio::select! {
                    () = tokio::time::sleep_until(began + PACE) => {}
                    () = soft.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    /// Publishes a page through the window, and returns when all of it is acknowledged.
    async fn publish_page(
        &mut self,
        rows: Vec<LogRow>,
        position: &mut Position,
    ) -> Result<(), Trouble> {
        let settings = &self.relay.settings;
        let stamp = Stamp {
            source: settings.source,
            stream: &settings.stream.name,
            epoch: position.place.epoch,
        };
        let mut in_flight: FuturesOrdered<Ack> = FuturesOrdered::new();
        let (mut sent, mut hash) = (position.place.cursor, position.hash);
        // Not the id before the page: after a restart nats-server knows only recent ones.
        let mut previous = None;
        for row in rows {
            if row.seq != sent + 1 {
                return Err(gap(sent + 1));
            }
            let event_type = message::check(&row, &hash).map_err(|error| {
                Trouble::Stop(format!("event {} of the log is broken: {error}", row.seq))
            })?;
            // Counted from the position, because acknowledgements move both at once.
            let sequence = position.fence + (sent - position.place.cursor);
            let id = message::id(&row, stamp.epoch);
            let follows = Follows {
                sequence,
                id: previous.replace(id),
            };
            (sent, hash) = (row.seq, row.hash);
            let subject = settings.topology.subject(&row.subject);
            let message = message::of_row(row, &event_type, &stamp, follows);
            let ack = self
                .relay
                .js
                .send_publish(subject, message)
                .await
                .map_err(|e| failed(&e))?;
            in_flight.push_back(ack.into_future());
            if in_flight.len() >= WINDOW {
                self.acknowledged(&mut in_flight, position).await?;
            }
        }
        while !in_flight.is_empty() {
            self.acknowledged(&mut in_flight, position).await?;
        }
        position.hash = hash;
        Ok(())
    }

    /// Waits for the oldest publish in flight and moves the position over it.
    async fn acknowledged(
        &mut self,
        in_flight: &mut FuturesOrdered<Ack>,
        position: &mut Position,
    ) -> Result<(), Trouble> {
        let Some(ack) = in_flight.next().await else {
            return Ok(());
        };
        let ack = ack.map_err(|error| failed(&error))?;
        let seq = position.place.cursor + 1;
        if ack.duplicate {
            return Err(Trouble::Look(Cause::Duplicate(seq)));
        }
        if ack.sequence != position.fence + 1 {
            return Err(Trouble::Look(Cause::WrongLastSequence));
        }
        position.place.cursor = seq;
        position.fence = ack.sequence;
        let stream = self.relay.settings.stream.name.clone();
        counter!(RELAY_PUBLISHED.name, "stream" => stream).increment(1);
        Ok(())
    }

    fn settled(&mut self) {
        self.settled = true;
        self.process.health().set(HEALTH_PART, State::Ok);
    }

    async fn gauge_lag(&mut self, at: &mut Position, next: Option<&LogRow>) -> Result<(), Trouble> {
        // What was behind is told at once when it no longer is.
        let due = at
            .gauged
            .is_none_or(|gauged| gauged.elapsed() >= GAUGE_EVERY);
        if !due && next.is_some() {
            return Ok(());
        }
        at.gauged = Some(Instant::now());
        let (head, _) = self.leader.head().await?;
        let stream = self.relay.settings.stream.name.clone();
        let events = head.saturating_sub(at.place.cursor);
        let age = next.map_or(TimeDelta::zero(), |row| {
            self.process.clock().now() - row.posted_at
        });
        let seconds = age.to_std().unwrap_or_default().as_secs_f64();
        gauge!(RELAY_LAG_EVENTS.name, "stream" => stream.clone()).set(to_f64(events));
        gauge!(RELAY_LAG_SECONDS.name, "stream" => stream).set(seconds);
        Ok(())
    }

    fn connects(&self) -> u64 {
        self.relay
            .client
            .statistics()
            .connects
            .load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(time)
}

fn failed(error: &PublishError) -> Trouble {
    tracing::debug!(error = error.to_string(), "A publish did not succeed");
    match error.kind() {
        PublishErrorKind::StreamNotFound => Trouble::Look(Cause::StreamMissing),
        PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => {
            Trouble::Look(Cause::WrongLastSequence)
        }
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Trouble::Look(Cause::Timeout),
        PublishErrorKind::MaxPayloadExceeded => {
            Trouble::Stop("nats-server's max_payload is smaller than an event".to_owned())
        }
        _ => Trouble::Look(Cause::PublishFailed),
    }
}

fn gap(seq: u64) -> Trouble {
    Trouble::Stop(format!(
        "the log has no event {seq}: it is damaged, and nothing is published"
    ))
}

fn diverged(end: &End) -> Trouble {
    let seq = if let End::Diverged(seq) = end {
        *seq
    } else {
        0
    };
    Trouble::Stop(format!(
        "the stream has an event {seq} that the log does not have: Postgres was restored to an \
         older state. Nothing is published. When that was meant, run `florin topology reset`"
    ))
}
