//! Refunds and reversals.

use contracts::{Kind, Money, Posted, Rejected, RejectionCode, TransactionId, WalletId};

use super::{Log, leg};
use crate::domain::{PlannedLeg, Refund, Remarks, Reversal};

impl Log {
    pub(super) fn refunded(&mut self, refund: &Refund, legs: &[PlannedLeg]) -> Posted {
        Posted {
            refunds: Some(refund.payment),
            ..self.corrected(Kind::Refund, &refund.remarks, legs)
        }
    }

    pub(super) fn reversed(&mut self, reversal: &Reversal, legs: &[PlannedLeg]) -> Posted {
        let posted = Posted {
            reverses: Some(reversal.original),
            ..self.corrected(Kind::Reversal, &reversal.remarks, legs)
        };
        self.reversals.insert(reversal.original, posted.transaction);
        posted
    }

    fn corrected(&mut self, kind: Kind, remarks: &Remarks, legs: &[PlannedLeg]) -> Posted {
        let effective_at = self.effective_at(remarks.effective_at);
        let transaction = self.transaction(kind, effective_at, legs);
        Posted {
            id: self.event_id(),
            event_type: kind.posted(),
            seq: self.head.seq,
            transaction,
            kind,
            effective_at,
            posted_at: self.head.posted_at,
            legs: legs.iter().map(leg).collect(),
            reference: remarks.reference.clone(),
            order_reference: None,
            description: Some(remarks.reason.clone()),
            hold: None,
            hold_left: None,
            refunds: None,
            reverses: None,
            quote: None,
            metadata: remarks.metadata.clone(),
        }
    }

    pub(super) fn refund_rejected(&self, refund: &Refund, code: RejectionCode) -> Rejected {
        Rejected {
            counterparty: Some(refund.customer),
            ..self.correction_rejected(
                Kind::Refund,
                (refund.merchant, refund.amount.unwrap_or(refund.paid)),
                (refund.payment, &refund.remarks),
                code,
            )
        }
    }

    pub(super) fn reversal_rejected(&self, reversal: &Reversal, code: RejectionCode) -> Rejected {
        // A transaction has a leg of a wallet: the first one that the reversal takes from, or
        // gives to when it takes from none.
        let of_wallets = || {
            let legs = reversal.legs.iter();
            legs.filter_map(|leg| Some((leg.wallet?, leg.amount)))
        };
        let (wallet, amount) = of_wallets()
            .find(|(_, amount)| amount.is_positive())
            .or_else(|| of_wallets().next())
            .expect("a transaction moves money of a wallet");
        let amount = if amount.is_negative() {
            amount.negated()
        } else {
            amount
        };
        self.correction_rejected(
            Kind::Reversal,
            (wallet, amount),
            (reversal.original, &reversal.remarks),
            code,
        )
    }

    fn correction_rejected(
        &self,
        kind: Kind,
        (wallet, amount): (WalletId, Money),
        (about, remarks): (TransactionId, &Remarks),
        code: RejectionCode,
    ) -> Rejected {
        Rejected {
            id: self.event_id(),
            event_type: kind.rejected(),
            seq: self.head.seq,
            kind,
            code,
            wallet,
            counterparty: None,
            currency: amount.currency(),
            amount: amount.amount(),
            effective_at: self.effective_at(remarks.effective_at),
            posted_at: self.head.posted_at,
            reference: remarks.reference.clone(),
            about: Some(about.to_string()),
            limit: None,
        }
    }
}
