//! Holds: what may become of money that is set aside.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{HoldId, Kind, Money, RejectionCode, WalletId, event::HoldState};

use super::Movement;

/// A hold as it is locked: what a decision about it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// What it is at.
    pub state: HoldState,
    /// What was set aside at first.
    pub amount: Money,
    /// What of it was captured.
    pub captured: Money,
    /// When it runs out.
    pub expires_at: DateTime<Utc>,
}

impl Hold {
    /// What of it is still held.
    pub fn remaining(&self) -> Money {
        if self.state == HoldState::Open {
            // A table keeps `captured` between zero and `amount`, so the difference fits.
            self.amount
                .checked_sub(self.captured)
                .expect("a hold's amounts are of one currency, and none exceeds the whole")
        } else {
            Money::zero(self.amount.currency())
        }
    }
}

/// What may be done to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldStep {
    /// Take a part of it; the rest stays held.
    CapturePart,
    /// Take a part or all of it; nothing stays held.
    CaptureLast,
    /// Release what is left.
    Void,
    /// Release what is left, because it ran out.
    Expire,
}

impl HoldStep {
    /// Every step.
    pub const ALL: &'static [Self] = &[
        Self::CapturePart,
        Self::CaptureLast,
        Self::Void,
        Self::Expire,
    ];

    /// The state that a hold in `state` has afterwards. The table's trigger has the same rule.
    ///
    /// # Errors
    /// Only an open hold changes: which end another one has come to.
    pub const fn from(self, state: HoldState) -> Result<HoldState, RejectionCode> {
        match (state, self) {
            (HoldState::Open, Self::CapturePart) => Ok(HoldState::Open),
            (HoldState::Open, Self::CaptureLast) => Ok(HoldState::Captured),
            (HoldState::Open, Self::Void) => Ok(HoldState::Voided),
            (HoldState::Open, Self::Expire) => Ok(HoldState::Expired),
            (HoldState::Captured, _) => Err(RejectionCode::HoldCaptured),
            (HoldState::Voided, _) => Err(RejectionCode::HoldVoided),
            (HoldState::Expired, _) => Err(RejectionCode::HoldExpired),
        }
    }
}

/// What is asked of a hold.
#[derive(Debug, Clone)]
pub enum HoldAction {
    /// Set money aside.
    Place(PlaceHold),
    /// Take money that is set aside.
    Capture(CaptureHold),
    /// Release what is left.
    Release(ReleaseHold),
}

impl HoldAction {
    /// As rejections spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Place(_) => "hold.place",
            Self::Capture(capture) => capture.movement.kind.as_str(),
            Self::Release(ReleaseHold { voided: true, .. }) => "hold.void",
            Self::Release(_) => "hold.expire",
        }
    }
}

/// What is said about a hold when it is placed; none of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldTerms {
    /// The hold.
    pub id: HoldId,
    /// Whose money it is.
    pub wallet: WalletId,
    /// What a capture posts: a payment, a transfer or a withdrawal.
    pub kind: Kind,
    /// In whose favour it is; nobody's when a capture is a withdrawal.
    pub counterparty: Option<WalletId>,
    /// What is set aside, above zero.
    pub amount: Money,
    /// The placer's reference.
    pub reference: Option<String>,
    /// The merchant's order, in favour of a merchant.
    pub order_reference: Option<String>,
    /// A line for people.
    pub description: Option<String>,
    /// The placer's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// Sets money aside.
#[derive(Debug, Clone)]
pub struct PlaceHold {
    /// What for.
    pub terms: HoldTerms,
    /// When it runs out; the default age from now when the placer does not say.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Takes money that is set aside.
#[derive(Debug, Clone)]
pub struct CaptureHold {
    /// The hold.
    pub hold: HoldId,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// What is posted, as the hold's terms and the capture say. The amount is the hold's when
    /// all that remains is asked for.
    pub movement: Movement,
    /// All that remains, whatever the movement's amount says.
    pub all: bool,
    /// Release what this capture leaves.
    pub last: bool,
}

/// Releases what is left of a hold.
#[derive(Debug, Clone)]
pub struct ReleaseHold {
    /// The hold, as it was placed.
    pub terms: HoldTerms,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// By somebody, not because it ran out.
    pub voided: bool,
    /// Why, in words.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_hold_changes_and_every_end_is_final() {
        for state in HoldState::ALL.iter().copied() {
            for step in HoldStep::ALL.iter().copied() {
                let expected = match (state, step) {
                    (HoldState::Open, HoldStep::CapturePart) => Ok(HoldState::Open),
                    (HoldState::Open, HoldStep::CaptureLast) => Ok(HoldState::Captured),
                    (HoldState::Open, HoldStep::Void) => Ok(HoldState::Voided),
                    (HoldState::Open, HoldStep::Expire) => Ok(HoldState::Expired),
                    (HoldState::Captured, _) => Err("hold_captured"),
                    (HoldState::Voided, _) => Err("hold_voided"),
                    (HoldState::Expired, _) => Err("hold_expired"),
                };
                let found = step.from(state).map_err(RejectionCode::as_str);
                assert_eq!(found, expected, "{state:?} {step:?}");
            }
        }
    }
}
