//! The rules of the ledger: commands, the state they are decided on, and `decide`.
//!
//! Pure: nothing here knows the time, the database or the network, and nothing waits.

mod account;
mod command;
mod correction;
mod decide;
pub mod exchange;
mod fee;
mod hold;
pub mod limit;
mod restrictions;
mod state;

pub use account::{AccountChange, AccountNeed, AccountState};
pub use command::{
    Action, Caller, ChangeAccount, ChangeWallet, Command, CreateQuote, DeactivateFeeRule, Exchange,
    Fingerprint, Movement, OpenWallet, OrderKey, OriginalLeg, Refund, Remarks, Reversal, SetRates,
    Sight, Viewer, WalletChange,
};
pub use correction::Correction;
pub use decide::{Context, HoldOutcome, Outcome, PlannedLeg, decide, limit_reached, needs};
pub use fee::{FeeRule, FeeRules, PERCENTAGE_SCALE};
pub use hold::{CaptureHold, Hold, HoldAction, HoldStep, HoldTerms, PlaceHold, ReleaseHold};
pub use limit::{Usage, UsageKey};
pub use restrictions::Restrictions;
pub use state::{Balance, BalanceKey, Needs, State, SystemShard, Touched};
