//! `florin dlq`: what workers gave up, and what becomes of it. It goes over the HTTP API, so that
//! the same rules hold for people and programs, and every order is in the history under its
//! operator's name.

mod act;
mod report;
mod wanted;

use std::time::Duration;

use contracts::DeadLetterId;

use self::act::{ActArgs, Verb};
use self::wanted::Wanted;
use crate::api_client::{ApiClient, ApiError, DeadLetterPage};
use crate::exit::{Code, Failure};
use crate::fleet::FleetArgs;
use crate::output::Output;
use crate::token::Role;

/// How long a worker that does not answer is asked again: one that died is back within seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Dead letters that a list shows, unless told otherwise: a screen or two.
const SHOWN_DEFAULT: u64 = 50;
/// Who asks when nobody is named: reads leave no trace.
const READER: &str = "florin-dlq";

/// Dead letters: what workers gave up.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists dead letters, oldest first, with the money at stake.
    List(ListArgs),
    /// Shows one with its data, headers and history.
    Show(ShowArgs),
    /// Applies their events after all: each once, whoever else asks and whatever dies.
    Replay(ActArgs),
    /// Decides that they stay without effect.
    Discard(ActArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Which.
    #[command(flatten)]
    wanted: Wanted,

    /// parked, replayed, discarded or any.
    #[arg(long, default_value = "parked")]
    state: String,

    /// The same as --code.
    #[arg(long, value_name = "CODE", conflicts_with = "code")]
    reason: Option<String>,

    /// How many to show.
    #[arg(long, value_name = "N", default_value_t = SHOWN_DEFAULT,
          value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,

    /// Which fleet.
    #[command(flatten)]
    fleet: FleetArgs,

    /// How to answer.
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The dead letter, `dlt_…`.
    id: DeadLetterId,

    /// Which fleet.
    #[command(flatten)]
    fleet: FleetArgs,

    /// How to answer.
    #[command(flatten)]
    output: Output,
}

/// Does it.
///
/// # Errors
/// Exit code 2 when a filter has no possible value, 3 without a fleet or its worker.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    match args.action {
        Action::List(args) => list(args).await,
        Action::Show(args) => show(args).await,
        Action::Replay(args) => act::run(Verb::Replay, args).await,
        Action::Discard(args) => act::run(Verb::Discard, args).await,
    }
}

async fn list(mut args: ListArgs) -> anyhow::Result<Code> {
    let client = client(&args.fleet, READER)?;
    args.wanted.code = args.wanted.code.or(args.reason);
    let mut query = args.wanted.query();
    query.push(("state", args.state));
    let mut all = DeadLetterPage::default();
    loop {
        let left = args.limit.saturating_sub(all.items.len() as u64);
        let page = wanted::page(&client, &query, all.next_cursor.as_deref(), left).await?;
        let (mut items, mut unavailable) = (all.items, all.unavailable);
        items.extend(page.items);
        unavailable.extend(page.unavailable);
        unavailable.sort_unstable();
        unavailable.dedup();
        all = DeadLetterPage {
            items,
            unavailable,
            next_cursor: page.next_cursor,
            total: page.total,
            at_stake: page.at_stake,
            at_stake_unknown: page.at_stake_unknown,
        };
        if all.next_cursor.is_none() || all.items.len() as u64 >= args.limit {
            break;
        }
    }
    args.output.answer(&all, || report::list(&all))?;
    Ok(complete(all.unavailable.is_empty()))
}

async fn show(args: ShowArgs) -> anyhow::Result<Code> {
    let client = client(&args.fleet, READER)?;
    let letter = client.dead_letter(args.id).await.map_err(final_error)?;
    args.output.answer(&letter, || report::one(&letter))?;
    Ok(Code::Done)
}

fn client(fleet: &FleetArgs, by: &str) -> anyhow::Result<ApiClient> {
    let client = fleet.find()?.client(Role::Operator, by)?;
    Ok(client.with_patience(PATIENCE))
}

/// What workers have who did not answer is not known.
fn complete(all_answered: bool) -> Code {
    if all_answered {
        Code::Done
    } else {
        Code::OutOfReach
    }
}

fn final_error(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::OutOfReach { .. } => Failure::out_of_reach(error.to_string()).into(),
        ApiError::Refused { status: 400, .. } => Failure::usage(error.to_string()).into(),
        ApiError::Refused { .. } | ApiError::Malformed(_) => error.into(),
    }
}
