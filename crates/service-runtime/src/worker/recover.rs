//! Finds what is missing and reads it from the log.

use contracts::limits::RPC_EVENTS_MAX;
use metrics::counter;
use tokio::time::Instant;

use super::{
    Handler,
    engine::{Engine, Outage, PART},
    message::Item,
    metrics::RECOVERED,
    missing::holes,
    settle::Way,
    store,
};
use crate::{State, inbox::SeqSet};

impl<H: Handler> Engine<H> {
    /// Compares what is settled with the log.
    pub(super) async fn check(&mut self) -> Result<(), Outage> {
        let timings = self.context.settings.timings;
        self.load().await?;
        let owner = self.context.owner;
        let mut connection = self.context.pool.acquire().await?;
        store::sweep_attempts(&mut connection, owner).await?;
        drop(connection);
        let gaps = self.done.count_ranges().saturating_sub(1);
        let now = Instant::now();
        self.next_check = now + timings.missing_every;
        let Ok(head) = self.ledger.head().await else {
            return Ok(());
        };
        let lag = head.saturating_sub(self.done.count());
        let torn = self.is_torn();
        let quiet = now.duration_since(self.effect_at) >= timings.grace;
        let holes = holes(&self.done, head, quiet);
        let any = !holes.is_empty() || lag > 0;
        if torn {
            let why = format!("{gaps} gaps in what is settled: not pulling until mended");
            self.health.set(PART, State::Down(why));
        }
        self.overdue = if torn {
            holes
        } else {
            self.watch.look(holes, now, timings.grace)
        };
        if any {
            self.look_soon();
        }
        Ok(())
    }

    pub(super) fn look_soon(&mut self) {
        let soon = Instant::now() + self.context.settings.timings.grace;
        self.next_check = self.next_check.min(soon);
    }

    /// Reads one page of what is overdue from the log and settles it.
    pub(super) async fn recover(&mut self) -> Result<(), Outage> {
        let Some(range) = self.overdue.ranges().next() else {
            return Ok(());
        };
        let (first, last) = (*range.start(), *range.end());
        let last = last.min(first + u64::from(RPC_EVENTS_MAX) - 1);
        let page = self.ledger.page(first, last).await;
        let Some(page) = page.ok().filter(|page| !page.events.is_empty()) else {
            // The next look finds them again.
            self.overdue = SeqSet::new();
            return Ok(());
        };
        let mut items = Vec::with_capacity(page.events.len());
        for event in page.events {
            let item = Item::from_log(event);
            if let (Some(known), Some(hash)) = (&mut self.known, item.hash) {
                known.add(item.seq, hash);
            }
            items.push(item);
        }
        let read_to = items.last().map_or(last, |item| item.seq);
        self.overdue = self.overdue.without(&SeqSet::of_range(first, read_to));
        let consumer = self.context.owner.consumer;
        counter!(RECOVERED.name, "consumer" => consumer).increment(items.len() as u64);
        tracing::info!(first, last = read_to, "Reading missing events from the log");
        self.settle(&items, Way::Missing).await?;
        if self.overdue.is_empty() && !self.is_torn() {
            self.health.set(PART, State::Ok);
        }
        Ok(())
    }
}
