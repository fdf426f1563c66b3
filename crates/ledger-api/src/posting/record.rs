//! Phase 5: what was decided becomes events and answers, under the head's lock.

mod account;
mod corrections;
mod exchange;
mod fee_rules;
mod hold;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::{
    EventId, Kind, LedgerEvent, Posted, Rejected, RejectionCode, TransactionId, WalletId, chain,
    event::{CommandRejected, FeeTerms, Leg, WalletChanged, WalletCreated},
    subjects::EventType,
};
use service_runtime::entropy;
use uuid::Uuid;

use super::{
    Answer, Render,
    batch::{Decision, Fresh, Rejection},
};
use crate::{
    audit::Verdict,
    domain::{
        Action, Caller, ChangeWallet, Command, Movement, OpenWallet, Outcome, PlannedLeg,
        Restrictions, SystemShard, WalletChange,
    },
    store::{
        fee_rules::RuleAt,
        holds::HoldRow,
        journal::{Entries, Head, Heading, NewEvent},
        wallets::NewWallet,
    },
};

/// What one batch appends to the log.
pub(super) struct Log {
    pub(super) head: Head,
    pub(super) entries: Entries,
    pub(super) wallets: Vec<NewWallet>,
    pub(super) new_rules: Vec<(RuleAt, FeeTerms)>,
    pub(super) ended_rules: Vec<RuleAt>,
    /// Transactions that are undone, and what undoes each.
    pub(super) reversals: HashMap<TransactionId, TransactionId>,
    pub(super) holds: Vec<HoldRow>,
    pub(super) exchange: exchange::Rows,
}

impl Log {
    /// Time never runs backwards along the log, whatever the clocks of replicas say.
    pub(super) fn after(head: Head, now: DateTime<Utc>) -> Self {
        let posted_at = head.posted_at.max(now);
        Self {
            head: Head { posted_at, ..head },
            entries: Entries::default(),
            wallets: Vec::new(),
            new_rules: Vec::new(),
            ended_rules: Vec::new(),
            reversals: HashMap::new(),
            holds: Vec::new(),
            exchange: exchange::Rows::default(),
        }
    }

    /// Records every decision and returns the rendered answers by answer id.
    pub(super) fn record(
        &mut self,
        fresh: &[Fresh<'_>],
        decisions: Vec<Vec<Decision>>,
        render: &dyn Render,
    ) -> HashMap<Uuid, Answer> {
        let mut rendered = HashMap::with_capacity(fresh.len());
        let items = fresh.iter().flat_map(|group| &group.items);
        for (item, decision) in items.zip(decisions.into_iter().flatten()) {
            self.head.seq += 1;
            let code = decision
                .as_ref()
                .err()
                .map(|rejection| rejection.code.as_str().to_owned());
            let event = self.event(&item.command, decision);
            let data = event.encode();
            self.head.hash = chain::link(&self.head.hash, data.as_bytes());
            let answer = render.render(&event, &item.command.sight);
            self.entries.answer(item.answer_id, self.head.seq, &answer);
            if let Some(origin) = &item.origin {
                let verdict = Verdict {
                    status: answer.status,
                    code,
                    replayed: false,
                    seq: Some(self.head.seq),
                    wallet: event.wallet(),
                    key: Some(item.command.key.clone()),
                };
                self.entries.audit(origin.row(self.head.posted_at, verdict));
            }
            let answer = Answer {
                rendered: answer,
                replayed: false,
                seq: Some(self.head.seq),
            };
            rendered.insert(item.answer_id, answer);
            self.entries.event(NewEvent {
                seq: self.head.seq,
                id: event.id(),
                subject: event.subject(),
                data,
                hash: self.head.hash,
                posted_at: self.head.posted_at,
                traceparent: item.command.traceparent.clone(),
            });
        }
        rendered
    }

    fn event(&mut self, command: &Command, decision: Decision) -> LedgerEvent {
        match (&command.action, decision) {
            (Action::Move(movement), Err(rejection)) => {
                LedgerEvent::Rejected(self.rejected(movement, rejection))
            }
            (Action::Refund(refund), Err(Rejection { code, .. })) => {
                LedgerEvent::Rejected(self.refund_rejected(refund, code))
            }
            (Action::Reverse(reversal), Err(Rejection { code, .. })) => {
                LedgerEvent::Rejected(self.reversal_rejected(reversal, code))
            }
            (Action::Hold(action), decision) => self.hold(action, decision, &command.caller),
            (Action::Exchange(exchange), Err(Rejection { code, .. })) => {
                LedgerEvent::Rejected(self.exchange_rejected(exchange, code))
            }
            (action, Err(Rejection { code, .. })) => {
                LedgerEvent::CommandRejected(self.command_rejected(action, code))
            }
            (Action::Move(movement), Ok(Outcome::Posted(legs))) => {
                LedgerEvent::Posted(self.posted(movement, &legs))
            }
            (Action::Refund(refund), Ok(Outcome::Posted(legs))) => {
                LedgerEvent::Posted(self.refunded(refund, &legs))
            }
            (Action::Reverse(reversal), Ok(Outcome::Posted(legs))) => {
                LedgerEvent::Posted(self.reversed(reversal, &legs))
            }
            (Action::CreateFeeRule(terms), Ok(_)) => {
                LedgerEvent::FeeRuleChanged(self.fee_rule_created(terms, &command.caller))
            }
            (Action::DeactivateFeeRule(end), Ok(Outcome::FeeRuleDeactivated(terms))) => {
                LedgerEvent::FeeRuleChanged(self.fee_rule_ended(end, terms, &command.caller))
            }
            (Action::OpenWallet(open), Ok(Outcome::Opened(restrictions))) => {
                LedgerEvent::WalletCreated(self.opened(open, restrictions))
            }
            (Action::ChangeAccount(change), Ok(Outcome::AccountChanged(account))) => {
                LedgerEvent::AccountChanged(self.account_changed(change, &account, &command.caller))
            }
            (Action::SetRates(set), Ok(_)) => {
                LedgerEvent::RatesSet(self.rates_set(set, &command.caller))
            }
            (Action::CreateQuote(asked), Ok(Outcome::Quoted { price, to })) => {
                LedgerEvent::QuoteCreated(self.quoted(asked, price, to))
            }
            (Action::Exchange(exchange), Ok(Outcome::Posted(legs))) => {
                LedgerEvent::Posted(self.exchanged(exchange, &legs))
            }
            (Action::ChangeWallet(change), Ok(Outcome::WalletChanged { status })) => {
                LedgerEvent::WalletChanged(self.wallet_changed(change, status, &command.caller))
            }
            (action, Ok(_)) => unreachable!("{} has an outcome of its own", action.name()),
        }
    }

    fn event_id(&self) -> EventId {
        EventId::mint(self.head.posted_at, entropy())
    }

    fn opened(&mut self, open: &OpenWallet, restrictions: Restrictions) -> WalletCreated {
        let wallet = WalletId::mint(self.head.posted_at, entropy());
        self.wallets.push(NewWallet {
            id: wallet,
            owner: open.owner.clone(),
            kind: open.kind,
            reference: open.reference.clone(),
            category: open.category.clone(),
            metadata: open.metadata.clone(),
            restrictions,
        });
        WalletCreated {
            id: self.event_id(),
            event_type: EventType::WalletCreated,
            seq: self.head.seq,
            wallet,
            owner: open.owner.clone(),
            kind: open.kind,
            posted_at: self.head.posted_at,
            reference: open.reference.clone(),
            category: open.category.clone(),
            metadata: open.metadata.clone(),
            status: (restrictions.status() != Restrictions::NONE.status())
                .then(|| restrictions.status().to_owned()),
        }
    }

    fn wallet_changed(
        &self,
        change: &ChangeWallet,
        status: &str,
        caller: &Caller,
    ) -> WalletChanged {
        WalletChanged {
            id: self.event_id(),
            event_type: match change.change {
                WalletChange::Freeze(_) => EventType::WalletFrozen,
                WalletChange::Unfreeze(_) => EventType::WalletUnfrozen,
                WalletChange::Block => EventType::WalletBlocked,
                WalletChange::Unblock => EventType::WalletUnblocked,
                WalletChange::Close => EventType::WalletClosed,
                WalletChange::CreditLimit(_) => EventType::CreditLimitSet,
            },
            seq: self.head.seq,
            wallet: change.wallet,
            status: status.to_owned(),
            currency: change.change.currency(),
            credit_limit: match change.change {
                WalletChange::CreditLimit(limit) => Some(limit.amount()),
                _ => None,
            },
            actor: caller.0.clone(),
            reason: change.reason.clone(),
            posted_at: self.head.posted_at,
        }
    }

    fn command_rejected(&self, action: &Action, code: RejectionCode) -> CommandRejected {
        CommandRejected {
            id: self.event_id(),
            event_type: EventType::CommandRejected,
            seq: self.head.seq,
            action: action.name().to_owned(),
            code,
            wallet: match action {
                Action::ChangeWallet(change) => Some(change.wallet),
                Action::CreateQuote(asked) => Some(asked.wallet),
                _ => None,
            },
            about: account::about(action).or_else(|| fee_rules::about(action)),
            posted_at: self.head.posted_at,
        }
    }

    /// Writes the legs of a new transaction.
    fn transaction(
        &mut self,
        kind: Kind,
        effective_at: DateTime<Utc>,
        legs: &[PlannedLeg],
    ) -> TransactionId {
        let transaction = TransactionId::mint(self.head.posted_at, entropy());
        let heading = Heading {
            seq: self.head.seq,
            transaction: transaction.as_uuid(),
            kind: Some(kind),
            effective_at,
            posted_at: self.head.posted_at,
        };
        for leg in legs {
            self.entries.posting(&heading, leg);
        }
        transaction
    }

    fn posted(&mut self, movement: &Movement, legs: &[PlannedLeg]) -> Posted {
        let effective_at = self.effective_at(movement.effective_at);
        let transaction = self.transaction(movement.kind, effective_at, legs);
        Posted {
            id: self.event_id(),
            event_type: movement.kind.posted(),
            seq: self.head.seq,
            transaction,
            kind: movement.kind,
            effective_at,
            posted_at: self.head.posted_at,
            legs: legs.iter().map(leg).collect(),
            reference: movement.reference.clone(),
            order_reference: movement.order_reference.clone(),
            description: movement.description.clone(),
            hold: None,
            hold_left: None,
            refunds: None,
            reverses: None,
            quote: None,
            metadata: movement.metadata.clone(),
        }
    }

    fn rejected(&self, movement: &Movement, rejection: Rejection) -> Rejected {
        Rejected {
            id: self.event_id(),
            event_type: movement.kind.rejected(),
            seq: self.head.seq,
            kind: movement.kind,
            code: rejection.code,
            wallet: movement.wallet,
            counterparty: movement.counterparty,
            currency: movement.amount.currency(),
            amount: movement.amount.amount(),
            effective_at: self.effective_at(movement.effective_at),
            posted_at: self.head.posted_at,
            reference: movement.reference.clone(),
            about: None,
            limit: rejection.limit,
        }
    }

    /// Nothing counts from later than it was written, even where a clock was set back since the
    /// request was read: what counts at a moment is then found among what was written by then,
    /// and what was backdated.
    fn effective_at(&self, asked: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let posted_at = self.head.posted_at;
        asked.map_or(posted_at, |at| at.min(posted_at))
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
        held: (!planned.held.is_zero()).then(|| planned.held.amount()),
        held_after: (!planned.held.is_zero()).then(|| planned.held_after.amount()),
        purpose: planned.purpose,
    }
}
