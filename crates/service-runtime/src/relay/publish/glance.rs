//! The glance: deleting or purging a stream wakes nobody, so the relay looks at it now and then.

use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Position, Pump, to_micros};
use crate::relay::{Cause, Trouble, fence, leader::Retained, message};

/// Events that are about to expire count as expired: the server's clock and ours differ, and a
/// message is younger than its event.
const EXPIRY_SLACK: TimeDelta = TimeDelta::minutes(5);

impl Pump<'_> {
    /// Whether the stream is still the one that the position is about. Between two pages
    /// nothing is in flight, so its last sequence is known exactly.
    pub(super) async fn glance(&mut self, position: &Position) -> Result<(), Trouble> {
        let spec = &self.relay.settings.stream;
        let stream = self
            .relay
            .js
            .get_stream(&spec.name)
            .await
            .map_err(|error| lost(&error))?;
        let info = stream.cached_info();
        let moved = info.state.last_sequence != position.fence;
        if moved || Some(to_micros(info.created)) != position.place.created {
            return Err(Trouble::Look(Cause::StreamChanged));
        }
        // A purge keeps the last sequence, so the fence does not notice it.
        if info.state.messages == 0 {
            let purged = self.is_retained(position.place.cursor).await?;
            return if purged {
                Err(Trouble::Look(Cause::StreamChanged))
            } else {
                Ok(())
            };
        }
        let first = fence::get(&stream, info.state.first_sequence).await?;
        let claim = first.and_then(|stored| message::claim(&stored.headers));
        // After a refill the stream may begin with what was left of an older epoch.
        let Some(claim) = claim.filter(|claim| claim.epoch == position.place.epoch) else {
            return Ok(());
        };
        if !self.is_retained(claim.seq - 1).await? {
            return Ok(());
        }
        let (head, _) = self.leader.head().await?;
        let retained = self.retained(head).await?;
        // Near its limit of bytes a stream drops messages that are still young.
        if retained.by_bytes > retained.by_age || info.state.bytes > half(spec.bytes_max) {
            return Ok(());
        }
        tracing::warn!(
            first = claim.seq,
            "Events before {} were purged from the stream",
            claim.seq
        );
        // What is left would come before the older events of the refill. It goes, and comes
        // again in its order.
        stream
            .purge()
            .await
            .map_err(|error| Trouble::Nats(error.to_string()))?;
        Err(Trouble::Look(Cause::StreamChanged))
    }

    /// Whether `seq` is so young that a stream that had it still has it.
    async fn is_retained(&mut self, seq: u64) -> Result<bool, Trouble> {
        let posted_at = self.leader.posted_at(seq).await?;
        Ok(posted_at.is_some_and(|posted_at| posted_at >= self.oldest_retained()))
    }

    /// Where a full stream would begin.
    pub(super) async fn retained(&mut self, head: u64) -> Result<Retained, Trouble> {
        let bytes_max = self.relay.settings.stream.bytes_max;
        let retained = self
            .leader
            .retained(self.oldest_retained(), bytes_max, head)
            .await?;
        Ok(retained)
    }

    /// The time of the oldest event that a stream is expected to hold.
    fn oldest_retained(&self) -> DateTime<Utc> {
        let age = TimeDelta::from_std(self.relay.settings.stream.age_max).unwrap_or(TimeDelta::MAX);
        self.process.clock().now() - age + EXPIRY_SLACK
    }
}

fn half(bytes_max: i64) -> u64 {
    u64::try_from(bytes_max / 2).unwrap_or(u64::MAX)
}

fn lost(error: &GetStreamError) -> Trouble {
    match error.kind() {
        GetStreamErrorKind::JetStream(_) => Trouble::Look(Cause::StreamMissing),
        _ => Trouble::Nats(format!("could not see the stream: {error}")),
    }
}
