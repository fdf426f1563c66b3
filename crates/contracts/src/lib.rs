//! The language that Florin's services share: ids, money, events, subjects, the stream
//! topology, request/reply bodies and the limits that all of them keep.
//!
//! Pure data: no IO, no clock, no randomness, no tokio. A change here is a change of a
//! public contract: it is additive, and every message ever published stays a fixture
//! (`fixtures/`) that must decode for ever.

pub mod chain;
pub mod currency;
pub mod event;
pub mod fraud;
pub mod headers;
pub mod ids;
pub mod limits;
pub mod money;
pub mod rpc;
pub mod schema;
pub mod settlement;
pub mod stake;
pub mod subjects;
pub mod topology;
pub mod totals;
mod worker_event;

pub use currency::{Currency, UnknownCurrency};
pub use event::{Account, DecodeError, Kind, LedgerEvent, Leg, Posted, Rejected, RejectionCode};
pub use ids::{
    AlertId, AuditId, BreakId, CutId, DeadLetterId, EventId, FeeRuleId, HoldId, PayoutId, QuoteId,
    SettlementId, TransactionId, WalletId,
};
pub use money::{AmountError, Money, MoneyError, parse_amount, total_at_scale};
pub use stake::Stake;
pub use subjects::EventType;
pub use totals::Totals;
