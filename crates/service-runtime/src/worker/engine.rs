//! The loop of one instance: one thing at a time, chosen by what is ready. Messages, missing
//! events and due retries all go through the same door ([`Engine::settle`]) in turn, so nothing
//! in one instance races with itself.

use std::{future, time::Duration};

use async_nats::{Client, jetstream};
use chrono::{DateTime, Utc};
use contracts::limits::ACK_WAIT;
use metrics::counter;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Handler,
    apply::Context,
    instance::Instance,
    ledger::Ledger,
    message::Item,
    metrics::{EVENTS, REDELIVERIES, SESSIONS},
    missing::Watch,
    policy::Fleet,
    pull::{Lost, Receipt, Received, Session},
    settle::{Fate, Way},
    store,
    trust::Known,
    verify::{self, Sorted},
};
use crate::{
    Health, State,
    inbox::{self, RANGES_MAX, SeqSet},
};

/// The health part.
pub(super) const PART: &str = "worker";
/// Between attempts to find the consumer.
const SESSION_WAIT: Duration = Duration::from_millis(500);
/// How long one such attempt may take, because the loop waits for it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);
/// Before a message is offered again that waits for the log.
const LOG_WAIT: Duration = Duration::from_secs(2);
/// Between looks for a database that is away.
const DATABASE_WAIT: Duration = Duration::from_millis(250);
/// Before the next batch while everything fails.
const STRUGGLE_PAUSE: Duration = Duration::from_secs(1);
/// How often the server is told of work in progress: three times before it would give up.
const PROGRESS_EVERY: Duration = Duration::from_secs(ACK_WAIT.as_secs() / 3);

/// The database does not do its work: nothing is anybody's fault.
#[derive(Debug)]
pub(crate) struct Outage(pub(crate) sqlx::Error);

/// One instance at work.
pub(crate) struct Engine<H> {
    pub(crate) context: Context<H>,
    client: Client,
    pub(super) health: Health,
    pub(super) ledger: Ledger,
    instance: Option<Instance>,
    /// The last instance id of this process.
    previous: Option<i64>,
    session: Option<Session>,
    /// Nothing until the inbox row was read.
    pub(super) known: Option<Known>,
    /// What was settled when it was last read or written.
    pub(super) done: SeqSet,
    pub(super) watch: Watch,
    pub(super) overdue: SeqSet,
    pub(crate) fleet: Fleet,
    pub(super) effect_at: Instant,
    next_session: Instant,
    pub(super) next_check: Instant,
    next_sweep: Instant,
}

enum Wake {
    Stop,
    Batch(Result<Vec<Received>, Lost>),
    Timer,
    Recover,
}

impl<H: Handler> Engine<H> {
    pub(crate) fn new(context: Context<H>, client: Client, health: Health) -> Self {
        let settings = &context.settings;
        let subject = settings
            .topology
            .subject(contracts::subjects::rpc::LEDGER_EVENTS);
        let ledger = Ledger::new(client.clone(), subject, settings.timings.rpc_timeout);
        let now = Instant::now();
        Self {
            context,
            client,
            health,
            ledger,
            instance: None,
            previous: None,
            session: None,
            known: None,
            done: SeqSet::new(),
            watch: Watch::default(),
            overdue: SeqSet::new(),
            fleet: Fleet::default(),
            effect_at: now,
            next_session: now,
            next_check: now,
            next_sweep: now,
        }
    }

    /// Works until `soft` is cancelled, and finishes what is in hand.
    pub(crate) async fn run(mut self, soft: CancellationToken) {
        while !soft.is_cancelled() {
            if let Err(Outage(error)) = self.step(&soft).await {
                self.wait_for_database(&error, &soft).await;
            }
        }
        if let Some(session) = self.session.take() {
            session.release().await;
        }
    }

    async fn step(&mut self, soft: &CancellationToken) -> Result<(), Outage> {
        if self.known.is_none() {
            self.load().await?;
        }
        let due = self.next_check.min(self.next_sweep);
        let due = if self.session.is_none() {
            due.min(self.next_session)
        } else {
            due
        };
        let pulls = !self.is_torn() && self.session.is_some();
        let wake = tokio::select! {
            () = soft.cancelled() => Wake::Stop,
            batch = next_batch(self.session.as_mut()), if pulls => Wake::Batch(batch),
            () = sleep_until(due) => Wake::Timer,
            () = future::ready(()), if !self.overdue.is_empty() => Wake::Recover,
        };
        match wake {
            Wake::Stop => {}
            Wake::Batch(Ok(batch)) => {
                self.take(batch).await?;
                if self.fleet.is_struggling() {
                    self.health
                        .set(PART, State::Degraded("every event fails".to_owned()));
                    tokio::select! { () = soft.cancelled() => {}, () = sleep(STRUGGLE_PAUSE) => {} }
                } else if !self.is_torn() {
                    self.health.set(PART, State::Ok);
                }
            }
            Wake::Batch(Err(lost)) => {
                self.health.set(PART, State::Degraded(lost.to_string()));
                self.session = None;
                self.next_session = Instant::now() + SESSION_WAIT;
            }
            Wake::Recover => self.recover().await?,
            Wake::Timer => {
                let now = Instant::now();
                if self.session.is_none() && now >= self.next_session {
                    self.open_session(soft).await;
                }
                if now >= self.next_check {
                    self.check().await?;
                }
                if now >= self.next_sweep {
                    self.next_sweep = now + self.context.settings.timings.sweep_every;
                    self.sweep().await?;
                }
            }
        }
        Ok(())
    }

    /// Reads where the consumer stands.
    pub(super) async fn load(&mut self) -> Result<(), Outage> {
        let (consumer, source) = (self.context.owner.consumer, self.context.owner.source);
        let mut connection = self.context.pool.acquire().await?;
        inbox::store::ensure(&mut connection, consumer, source).await?;
        let inbox = inbox::store::find(&mut connection, consumer, source).await?;
        match &mut self.known {
            Some(known) => known.add(inbox.trusted.0, inbox.trusted.1),
            None => self.known = Some(Known::new(inbox.trusted)),
        }
        self.done = inbox.done;
        Ok(())
    }

    async fn open_session(&mut self, soft: &CancellationToken) {
        let (topology, worker) = (&self.context.settings.topology, H::WORKER);
        let spec = topology.consumer(worker);
        let opening = timeout(
            SESSION_TIMEOUT,
            Session::open(&self.client, topology, &spec),
        );
        let opened = tokio::select! {
            () = soft.cancelled() => return,
            opened = opening => opened,
        };
        let consumer = self.context.owner.consumer;
        match opened {
            Ok(Ok(session)) => {
                counter!(SESSIONS.name, "consumer" => consumer).increment(1);
                self.session = Some(session);
                self.health.set(PART, State::Ok);
            }
            Ok(Err(error)) => {
                let why = format!("no consumer: {error:#}");
                self.health.set(PART, State::Degraded(why));
            }
            Err(_) => {
                let why = "no consumer: NATS does not answer".to_owned();
                self.health.set(PART, State::Degraded(why));
            }
        }
        self.next_session = Instant::now() + SESSION_WAIT;
    }

    /// Works on a batch, and tells the server so when it takes long.
    async fn take(&mut self, batch: Vec<Received>) -> Result<(), Outage> {
        let receipts: Vec<Receipt> = batch
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        let outcome = {
            let work = self.work(batch);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = sleep(PROGRESS_EVERY) => {
                        for receipt in &receipts {
                            receipt.progress().await;
                        }
                    }
                }
            }
        };
        if outcome.is_err() {
            // Those that were answered are not pending any more; for them this means nothing.
            for receipt in &receipts {
                receipt.nak(None).await;
            }
        }
        outcome
    }

    async fn work(&mut self, batch: Vec<Received>) -> Result<(), Outage> {
        let consumer = self.context.owner.consumer;
        let redelivered = batch.iter().filter(|message| message.redelivered).count();
        counter!(REDELIVERIES.name, "consumer" => consumer).increment(redelivered as u64);
        let before = self.effect_at;
        let mut sorted = self.sort(batch).await;
        if !sorted.waiting.is_empty() {
            // Another instance may have proven what ours follows.
            self.load().await?;
            let again = sorted.waiting.drain(..).map(|waiting| waiting.0).collect();
            let again = self.sort(again).await;
            sorted.genuine.extend(again.genuine);
            sorted.foreign.extend(again.foreign);
            sorted.waiting = again.waiting;
        }
        self.hold_back(&sorted.waiting).await;
        self.reject(&sorted.foreign).await?;
        let (items, receipts): (Vec<Item>, Vec<(u64, Receipt)>) = sorted
            .genuine
            .into_iter()
            .map(|genuine| {
                let seq = genuine.item.seq;
                (genuine.item, (seq, genuine.receipt))
            })
            .unzip();
        if items.is_empty() {
            return Ok(());
        }
        let fates = self.settle(&items, Way::Delivered).await?;
        for (seq, receipt) in &receipts {
            match fates.get(seq) {
                Some(Fate::Later(delay)) => receipt.nak(Some(*delay)).await,
                Some(Fate::Done) | None => receipt.ack().await,
            }
        }
        if self.effect_at != before && !self.done.is_complete_to(self.done.highest()) {
            self.look_soon();
        }
        Ok(())
    }

    async fn sort(&mut self, batch: Vec<Received>) -> Sorted {
        let known = self
            .known
            .as_mut()
            .expect("the inbox row was read before anything else");
        verify::sort(batch, known, &mut self.ledger, self.context.owner.consumer).await
    }

    /// Messages that nobody can prove while the log is away. What is settled already has no
    /// effect whatever it is, so it need not wait.
    async fn hold_back(&self, waiting: &[(Received, u64)]) {
        for (message, seq) in waiting {
            if self.done.contains(*seq) {
                message.receipt.ack().await;
                continue;
            }
            let consumer = self.context.owner.consumer;
            counter!(EVENTS.name, "consumer" => consumer, "outcome" => "wait").increment(1);
            message.receipt.nak(Some(LOG_WAIT)).await;
        }
    }

    /// Parks foreign messages and takes them off the stream's hands.
    async fn reject(&self, foreign: &[(Received, &'static str)]) -> Result<(), Outage> {
        let Some((first, _)) = foreign.first() else {
            return Ok(());
        };
        let Some(created_at) = self.created_at(&first.stream).await else {
            for (message, _) in foreign {
                message.receipt.nak(Some(LOG_WAIT)).await;
            }
            return Ok(());
        };
        let rows: Vec<_> = foreign
            .iter()
            .map(|(message, why)| {
                (
                    &message.raw,
                    message.stream.as_str(),
                    message.stream_seq,
                    *why,
                )
            })
            .collect();
        self.context.park_foreign(&rows, created_at).await?;
        for (message, _) in foreign {
            message.receipt.ack().await;
        }
        Ok(())
    }

    async fn created_at(&self, stream: &str) -> Option<DateTime<Utc>> {
        let context = jetstream::new(self.client.clone());
        let stream = context.get_stream(stream).await.ok()?;
        Some(stream.cached_info().created)
    }

    /// Too many gaps to go on.
    pub(super) fn is_torn(&self) -> bool {
        self.done.count_ranges() > RANGES_MAX
    }

    /// Events were settled.
    pub(crate) fn went_through(&mut self, effects: usize, done: SeqSet) {
        self.fleet.passed();
        self.done = done;
        if effects > 0 {
            self.effect_at = Instant::now();
        }
    }

    /// This process's instance; a new one after the last was lost.
    pub(crate) async fn instance(&mut self) -> Result<&mut Instance, Outage> {
        if self.instance.is_none() {
            let settings = &self.context.settings;
            let (schema, owner) = (settings.schema, self.context.owner);
            let opened = Instance::open(&settings.url, schema, owner, self.previous).await?;
            self.previous = Some(opened.id);
            self.instance = Some(opened);
        }
        Ok(self.instance.as_mut().expect("it was just opened"))
    }

    /// Fails when the database is away, which explains any failure.
    pub(crate) async fn outage(&self) -> Result<(), Outage> {
        let mut connection = self.context.pool.acquire().await?;
        Ok(store::ping(&mut connection).await?)
    }

    async fn wait_for_database(&mut self, error: &sqlx::Error, soft: &CancellationToken) {
        // Its connection may be what broke.
        self.instance = None;
        self.health
            .set(PART, State::Down(format!("no database: {error}")));
        while !soft.is_cancelled() {
            tokio::select! { () = soft.cancelled() => return, () = sleep(DATABASE_WAIT) => {} }
            if self.outage().await.is_ok() {
                self.health.set(PART, State::Ok);
                return;
            }
        }
    }
}

async fn next_batch(session: Option<&mut Session>) -> Result<Vec<Received>, Lost> {
    match session {
        Some(session) => session.next().await,
        None => future::pending().await,
    }
}
