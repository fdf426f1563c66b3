//! Operators, and who answers them.

use std::time::Duration;

use contracts::{
    DeadLetterId,
    rpc::dead_letters::{
        ActOnDeadLetter, ActedOnDeadLetter, DeadLetter, DeadLetterFilter, DeadLetterRequest,
        DeadLettersPage, DeadLettersRequest,
    },
    subjects::rpc::{self as subjects, of},
    topology,
};
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::{Clock, Process, dead_letters, rpc};
use testkit::eventually;

use crate::worker_world::{Counting, Deed, PATIENCE, World, pool};

/// A world whose worker has stopped and whose operators are answered, by two processes.
pub(super) struct Desk {
    pub(super) world: World,
    pub(super) process: Process,
}

impl Desk {
    /// `count` events in the log, of which these are parked.
    pub(super) async fn with_parked(count: u64, parked: impl IntoIterator<Item = u64>) -> Self {
        Self::of(world_with_parked(count, parked).await).await
    }

    pub(super) async fn of(world: World) -> Self {
        let process = Process::new("desk", Clock::system());
        for name in ["one", "two"] {
            let handler = Counting {
                name: name.to_owned(),
                deeds: world.deeds.clone(),
            };
            let pool = pool(&world.database_url).await;
            let (client, topology) = (&world.client, &world.topology);
            dead_letters::serve(&process, client, topology, &pool, handler);
        }
        let desk = Self { world, process };
        for subject in [
            subjects::DEAD_LETTER,
            subjects::REPLAY_DEAD_LETTER,
            subjects::DISCARD_DEAD_LETTER,
        ] {
            eventually("it answers", PATIENCE, async || {
                let nobody = order(DeadLetterId::from_uuid(uuid::Uuid::nil()), "nobody");
                let asked: Result<serde_json::Value, _> = desk.try_ask(subject, &nobody).await;
                asked.map_err(|error| error.to_string())
            })
            .await;
        }
        desk
    }

    async fn try_ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> Result<A, rpc::CallError> {
        let subject = of(subject, topology::Worker::Analytics);
        let subject = self.world.topology.subject(&subject);
        rpc::call(&self.world.client, subject, request, PATIENCE).await
    }

    pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> A {
        let answer = self.try_ask(subject, request).await;
        answer.unwrap_or_else(|error| panic!("{subject}: {error:?}"))
    }

    pub(super) async fn list(&self, filter: DeadLetterFilter) -> DeadLettersPage {
        let (after, limit) = (None, 200);
        let request = DeadLettersRequest {
            filter,
            after,
            limit,
        };
        self.ask(subjects::DEAD_LETTERS, &request).await
    }

    /// Every dead letter, oldest first.
    pub(super) async fn ids(&self) -> Vec<DeadLetterId> {
        let page = self.list(DeadLetterFilter::default()).await;
        page.items.iter().map(|letter| letter.id).collect()
    }

    pub(super) async fn show(&self, id: DeadLetterId) -> DeadLetter {
        let found: Option<DeadLetter> = self
            .ask(subjects::DEAD_LETTER, &DeadLetterRequest { id })
            .await;
        found.expect("it is there")
    }

    pub(super) async fn replay(&self, order: ActOnDeadLetter) -> ActedOnDeadLetter {
        self.ask(subjects::REPLAY_DEAD_LETTER, &order).await
    }

    pub(super) async fn discard(&self, order: ActOnDeadLetter) -> ActedOnDeadLetter {
        self.ask(subjects::DISCARD_DEAD_LETTER, &order).await
    }

    /// Everything that an order could write.
    pub(super) async fn rows(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT d::text FROM dead_letters d UNION ALL
             SELECT h::text FROM dead_letter_history h UNION ALL
             SELECT a::text FROM dead_letter_answers a UNION ALL
             SELECT e::text FROM effects e UNION ALL
             SELECT i::text FROM inbox i ORDER BY 1",
        )
        .fetch_all(&self.world.pool)
        .await
        .expect("reads")
    }

    pub(super) async fn close(self) {
        self.process.shutdown();
        let ended = self.process.wait(Duration::from_secs(10)).await;
        ended.expect("no task crashed");
    }
}

/// `count` events in the log, of which these are parked; nobody is answered yet.
pub(super) async fn world_with_parked(count: u64, parked: impl IntoIterator<Item = u64>) -> World {
    let world = World::start().await;
    for seq in parked {
        world.deeds.set(seq, Deed::Park);
    }
    world.append(count).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    worker.stop().await;
    world.deeds.clear();
    world
}

/// An order of `by`, under a key of that person for this dead letter.
pub(super) fn order(id: DeadLetterId, by: &str) -> ActOnDeadLetter {
    ActOnDeadLetter {
        id,
        caller: by.to_owned(),
        role: "operator".to_owned(),
        key: format!("{by}-{id}"),
        fingerprint: format!("replay {id}"),
        reason: format!("{by} has mended it"),
        dry_run: false,
    }
}
