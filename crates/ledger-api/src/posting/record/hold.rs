//! What was decided about holds.

use contracts::{
    LedgerEvent, Posted, Rejected,
    event::{CommandRejected, HoldChanged, HoldLeft},
    subjects::EventType,
};

use super::{
    super::batch::{Decision, Rejection},
    Log, leg,
};
use crate::{
    domain::{Caller, CaptureHold, HoldAction, HoldOutcome, Outcome, PlaceHold, ReleaseHold},
    store::{holds::HoldRow, journal::Heading},
};

impl Log {
    /// The event of a decision about a hold.
    pub(super) fn hold(
        &mut self,
        action: &HoldAction,
        decision: Decision,
        caller: &Caller,
    ) -> LedgerEvent {
        let outcome = match decision {
            Ok(Outcome::Hold(outcome)) => outcome,
            Ok(_) => unreachable!("{} has an outcome of its own", action.name()),
            Err(rejection) => return self.hold_rejected(action, rejection),
        };
        match action {
            HoldAction::Place(place) => {
                LedgerEvent::HoldChanged(self.placed(place, &outcome, caller))
            }
            HoldAction::Capture(capture) => LedgerEvent::Posted(self.captured(capture, &outcome)),
            HoldAction::Release(release) => {
                LedgerEvent::HoldChanged(self.released(release, &outcome, caller))
            }
        }
    }

    fn placed(&mut self, place: &PlaceHold, outcome: &HoldOutcome, caller: &Caller) -> HoldChanged {
        let row = HoldRow {
            terms: place.terms.clone(),
            hold: outcome.hold,
            placed_at: self.head.posted_at,
        };
        let event = self.hold_changed(EventType::HoldPlaced, &row, outcome, caller, None);
        self.holds.push(row);
        event
    }

    fn released(
        &mut self,
        release: &ReleaseHold,
        outcome: &HoldOutcome,
        caller: &Caller,
    ) -> HoldChanged {
        let event_type = if release.voided {
            EventType::HoldVoided
        } else {
            EventType::HoldExpired
        };
        let row = HoldRow {
            terms: release.terms.clone(),
            hold: outcome.hold,
            placed_at: release.placed_at,
        };
        let reason = release.reason.clone();
        self.hold_changed(event_type, &row, outcome, caller, reason)
    }

    fn hold_changed(
        &mut self,
        event_type: EventType,
        row: &HoldRow,
        outcome: &HoldOutcome,
        caller: &Caller,
        reason: Option<String>,
    ) -> HoldChanged {
        let (terms, hold) = (&row.terms, &row.hold);
        let heading = Heading {
            seq: self.head.seq,
            transaction: terms.id.as_uuid(),
            kind: None,
            effective_at: self.head.posted_at,
            posted_at: self.head.posted_at,
        };
        for leg in &outcome.legs {
            self.entries.posting(&heading, leg);
        }
        HoldChanged {
            id: self.event_id(),
            event_type,
            seq: self.head.seq,
            hold: terms.id,
            state: hold.state,
            wallet: terms.wallet,
            kind: terms.kind,
            counterparty: terms.counterparty,
            currency: terms.amount.currency(),
            amount: terms.amount.amount(),
            captured: hold.captured.amount(),
            remaining: hold.remaining().amount(),
            expires_at: hold.expires_at,
            placed_at: row.placed_at,
            posted_at: self.head.posted_at,
            legs: outcome.legs.iter().map(leg).collect(),
            actor: caller.0.clone(),
            reason,
            reference: terms.reference.clone(),
            order_reference: terms.order_reference.clone(),
            description: terms.description.clone(),
            metadata: terms.metadata.clone(),
        }
    }

    /// A capture is a transaction like any other, which says whose hold it took.
    fn captured(&mut self, capture: &CaptureHold, outcome: &HoldOutcome) -> Posted {
        let mut posted = self.posted(&capture.movement, &outcome.legs);
        posted.hold = Some(capture.hold);
        posted.hold_left = Some(HoldLeft {
            state: outcome.hold.state,
            remaining: outcome.hold.remaining().amount(),
            released: outcome.released.amount(),
        });
        posted
    }

    fn hold_rejected(&self, action: &HoldAction, rejection: Rejection) -> LedgerEvent {
        let (wallet, about) = match action {
            // There is no such hold then.
            HoldAction::Place(place) => (place.terms.wallet, None),
            HoldAction::Release(release) => (release.terms.wallet, Some(release.terms.id)),
            HoldAction::Capture(capture) => {
                return LedgerEvent::Rejected(Rejected {
                    about: Some(capture.hold.to_string()),
                    ..self.rejected(&capture.movement, rejection)
                });
            }
        };
        LedgerEvent::CommandRejected(CommandRejected {
            id: self.event_id(),
            event_type: EventType::CommandRejected,
            seq: self.head.seq,
            action: action.name().to_owned(),
            code: rejection.code,
            wallet: Some(wallet),
            about: about.map(|hold| hold.to_string()),
            posted_at: self.head.posted_at,
        })
    }
}
