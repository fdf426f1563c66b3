//! The rules of the ledger: commands, the state they are decided on, and `decide`.
//!
//! Pure: nothing here knows the time, the database or the network, and nothing waits.

mod command;
mod decide;
mod state;

pub use command::{Action, Caller, Command, Fingerprint, Movement, OpenWallet, Viewer};
pub use decide::{Decision, PlannedLeg, decide, legs};
pub use state::{Balance, BalanceKey, State, SystemShard, Wallet, WalletStatus};
