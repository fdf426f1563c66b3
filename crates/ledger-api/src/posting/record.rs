//! Phase 5: what was decided becomes events and answers, under the head's lock.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::{
    EventId, LedgerEvent, Posted, Rejected, RejectionCode, TransactionId, WalletId, chain,
    event::{Leg, WalletCreated},
    subjects::EventType,
};
use service_runtime::entropy;
use uuid::Uuid;

use super::{
    Render, Rendered,
    batch::{Decided, Pending},
};
use crate::{
    domain::{Action, Command, Decision, Movement, PlannedLeg, State, SystemShard},
    store::{
        journal::{Entries, Head, NewEvent},
        wallets::NewWallet,
    },
};

/// What one batch appends to the log.
pub(super) struct Log {
    pub(super) head: Head,
    pub(super) entries: Entries,
    pub(super) wallets: Vec<NewWallet>,
}

impl Log {
    /// Time never runs backwards along the log, whatever the clocks of replicas say.
    pub(super) fn after(head: Head, now: DateTime<Utc>) -> Self {
        let posted_at = head.posted_at.max(now);
        Self {
            head: Head { posted_at, ..head },
            entries: Entries::default(),
            wallets: Vec::new(),
        }
    }

    /// Records every decision and returns the rendered answers by answer id.
    pub(super) fn record(
        &mut self,
        state: &State,
        fresh: &[&Pending],
        decisions: Vec<Decided>,
        render: &dyn Render,
    ) -> HashMap<Uuid, Rendered> {
        let owners: HashMap<WalletId, String> = state
            .wallets
            .iter()
            .map(|(id, wallet)| (*id, wallet.owner.clone()))
            .collect();
        let mut rendered = HashMap::with_capacity(fresh.len());
        for (pending, decided) in fresh.iter().zip(decisions) {
            self.head.seq += 1;
            let event = self.event(&pending.command, decided);
            let data = event.encode();
            self.head.hash = chain::link(&self.head.hash, data.as_bytes());
            let answer = render.render(&event, &pending.command.viewer, &owners);
            self.entries
                .answer(pending.answer_id, self.head.seq, &answer);
            rendered.insert(pending.answer_id, answer);
            self.entries.event(NewEvent {
                seq: self.head.seq,
                id: event.id(),
                subject: event.subject(),
                data,
                hash: self.head.hash,
                posted_at: self.head.posted_at,
                traceparent: pending.command.traceparent.clone(),
            });
        }
        rendered
    }

    fn event(&mut self, command: &Command, decided: Decided) -> LedgerEvent {
        match (&command.action, decided) {
            (Action::Move(movement), Decided::Post(decision)) => {
                LedgerEvent::Posted(self.posted(movement, &decision))
            }
            (Action::Move(movement), Decided::Reject(code)) => {
                LedgerEvent::Rejected(self.rejected(movement, code))
            }
            (Action::OpenWallet(open), _) => {
                let wallet = WalletId::mint(self.head.posted_at, entropy());
                self.wallets.push(NewWallet {
                    id: wallet,
                    owner: open.owner.clone(),
                    kind: open.kind,
                    reference: open.reference.clone(),
                    metadata: open.metadata.clone(),
                });
                LedgerEvent::WalletCreated(WalletCreated {
                    id: EventId::mint(self.head.posted_at, entropy()),
                    event_type: EventType::WalletCreated,
                    seq: self.head.seq,
                    wallet,
                    owner: open.owner.clone(),
                    kind: open.kind,
                    posted_at: self.head.posted_at,
                    reference: open.reference.clone(),
                    metadata: open.metadata.clone(),
                })
            }
            (Action::Move(_), Decided::Open) => {
                unreachable!("movements are posted or rejected, never opened")
            }
        }
    }

    fn posted(&mut self, movement: &Movement, decision: &Decision) -> Posted {
        let transaction = TransactionId::mint(self.head.posted_at, entropy());
        for leg in decision {
            self.entries.posting(self.head.seq, transaction, leg);
        }
        Posted {
            id: EventId::mint(self.head.posted_at, entropy()),
            event_type: movement.kind.posted(),
            seq: self.head.seq,
            transaction,
            kind: movement.kind,
            effective_at: movement.effective_at.unwrap_or(self.head.posted_at),
            posted_at: self.head.posted_at,
            legs: decision.iter().map(leg).collect(),
            reference: movement.reference.clone(),
            order_reference: movement.order_reference.clone(),
            description: movement.description.clone(),
            metadata: movement.metadata.clone(),
        }
    }

    fn rejected(&self, movement: &Movement, code: RejectionCode) -> Rejected {
        Rejected {
            id: EventId::mint(self.head.posted_at, entropy()),
            event_type: movement.kind.rejected(),
            seq: self.head.seq,
            kind: movement.kind,
            code,
            wallet: movement.wallet,
            counterparty: movement.counterparty,
            currency: movement.amount.currency(),
            amount: movement.amount.amount(),
            effective_at: movement.effective_at.unwrap_or(self.head.posted_at),
            posted_at: self.head.posted_at,
            reference: movement.reference.clone(),
        }
    }
}

/// A leg as events show it: system accounts have no wallet, balance or version.
fn leg(planned: &PlannedLeg) -> Leg {
    let own = !SystemShard::is_system(planned.key.wallet);
    Leg {
        wallet: own.then_some(planned.key.wallet),
        account: planned.key.account,
        currency: planned.key.currency,
        amount: planned.amount.amount(),
        balance_after: own.then(|| planned.balance_after.amount()),
        version: own.then_some(planned.version),
    }
}
