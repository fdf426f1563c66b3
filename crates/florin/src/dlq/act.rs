//! Replays or discards one dead letter after another, oldest first.
//!
//! The key of each order is derived from the dead letter, from how often replaying it has failed
//! so far, and from the operator's words. So a command that was interrupted may be repeated as it
//! is: what was done is not done again. One that is repeated after the cause was mended tries
//! again what had failed.

use std::time::Duration;

use contracts::DeadLetterId;
use contracts::limits::ACTION_REASON_CHARS_MAX;
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::report::{Outcome, Report};
use super::wanted::{self, Wanted};
use super::{client, final_error};
use crate::api_client::{Act, ApiClient, ApiError, DeadLetter};
use crate::exit::{Code, Failure};
use crate::fleet::FleetArgs;
use crate::output::{self, Output};

/// Orders per second, unless told otherwise. Each takes its turn with the worker's own batches; at
/// this pace a worker that has a backlog to work off still has most of its time for that.
const RATE_DEFAULT: u16 = 50;
/// More than one client can send anyway.
const RATE_MAX: u16 = 1_000;
/// Characters of an operator's name: it is a token's subject.
const NAME_CHARS_MAX: usize = 255;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Replay,
    Discard,
}

impl Verb {
    /// As the route ends.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
        }
    }
}

/// Which dead letters, why, and how fast.
#[derive(Debug, clap::Args)]
pub(super) struct ActArgs {
    /// The dead letters, `dlt_…`; or say a filter, or --all.
    ids: Vec<DeadLetterId>,

    /// Which, when no ids are given.
    #[command(flatten)]
    wanted: Wanted,

    /// Every parked dead letter.
    #[arg(long)]
    all: bool,

    /// Why; it goes into the history.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Who you are, for the history; your user name when left out.
    #[arg(long, env = "USER", value_name = "NAME")]
    by: Option<String>,

    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,

    /// How many per second at most.
    #[arg(long, value_name = "N", default_value_t = RATE_DEFAULT,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(RATE_MAX)))]
    rate: u16,

    /// How many at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Which fleet.
    #[command(flatten)]
    fleet: FleetArgs,

    /// How to answer.
    #[command(flatten)]
    output: Output,
}

/// Acts, and tells what came of it.
///
/// # Errors
/// When the arguments contradict each other, or the fleet stays out of reach.
pub(super) async fn run(verb: Verb, args: ActArgs) -> anyhow::Result<Code> {
    check(&args)?;
    let by = operator(&args);
    let orders = Orders {
        client: client(&args.fleet, &by)?,
        verb,
        reason: args.reason.clone(),
        dry_run: args.dry_run,
    };
    let mut pace = interval(Duration::from_secs(1) / u32::from(args.rate));
    // After a pause nobody hurries to catch up.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut report = Report::new(verb.as_str(), args.dry_run);
    let bar = match verb {
        Verb::Replay => output::bar(0, "Replaying"),
        Verb::Discard => output::bar(0, "Discarding"),
    };
    let acting = orders.act(&args, &mut pace, &bar, &mut report).await;
    bar.finish_and_clear();
    // What was done before an error is told too.
    if acting.is_ok() || !report.is_empty() {
        args.output.answer(&report, || report.to_string())?;
    }
    acting?;
    Ok(report.code())
}

fn check(args: &ActArgs) -> Result<(), Failure> {
    let filtered = !args.wanted.is_empty();
    let ways = [!args.ids.is_empty(), filtered, args.all && !filtered];
    match ways.into_iter().filter(|way| *way).count() {
        0 => {
            let words = "which dead letters? Give their ids, a filter, or --all";
            return Err(Failure::usage(words));
        }
        1 => {}
        _ => return Err(Failure::usage("ids, or a filter, or --all: not both")),
    }
    let printable = |text: &str, most| {
        !text.trim().is_empty()
            && text.chars().count() <= most
            && !text.chars().any(char::is_control)
    };
    if !printable(&args.reason, ACTION_REASON_CHARS_MAX) {
        let words = format!("--reason is a line of 1 to {ACTION_REASON_CHARS_MAX} characters");
        return Err(Failure::usage(words));
    }
    if !printable(&operator(args), NAME_CHARS_MAX) {
        return Err(Failure::usage("--by is a name of 1 to 255 characters"));
    }
    Ok(())
}

/// Whoever runs the command: as told, or as the system numbers them.
fn operator(args: &ActArgs) -> String {
    match &args.by {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => format!("uid-{}", rustix::process::getuid().as_raw()),
    }
}

/// What is done to each dead letter.
struct Orders {
    client: ApiClient,
    verb: Verb,
    reason: String,
    dry_run: bool,
}

impl Orders {
    async fn act(
        &self,
        args: &ActArgs,
        pace: &mut Interval,
        bar: &ProgressBar,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let most = args.limit.unwrap_or(u64::MAX);
        if args.ids.is_empty() {
            return self.by_filter(&args.wanted, most, pace, bar, report).await;
        }
        bar.set_length(most.min(args.ids.len() as u64));
        for id in args
            .ids
            .iter()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
        {
            let found = self.client.dead_letter(*id).await;
            pace.tick().await;
            let outcome = match found {
                Ok(letter) => self.one(&letter.summary).await?,
                Err(ApiError::Refused { code, detail, .. }) if code == "not_found" => {
                    Outcome::missing(*id, code, detail)
                }
                Err(error) => return Err(final_error(error)),
            };
            report.add(outcome);
            bar.inc(1);
        }
        Ok(())
    }

    /// Page by page. What fails stays parked behind the cursor, and what is parked meanwhile is
    /// left for the next command: as many as there were at the start is enough.
    async fn by_filter(
        &self,
        wanted: &Wanted,
        most: u64,
        pace: &mut Interval,
        bar: &ProgressBar,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let query = wanted.query();
        let (mut cursor, mut left) = (None, None);
        loop {
            let limit = left.unwrap_or(most);
            let found = wanted::page(&self.client, &query, cursor.as_deref(), limit).await?;
            report.missed(&found.unavailable);
            let mut rest = left.unwrap_or_else(|| {
                let all = found.total.min(most);
                bar.set_length(all);
                all
            });
            for letter in &found.items {
                if rest == 0 {
                    return Ok(());
                }
                pace.tick().await;
                report.add(self.one(letter).await?);
                bar.inc(1);
                rest -= 1;
            }
            cursor = found.next_cursor;
            if cursor.is_none() || rest == 0 {
                return Ok(());
            }
            left = Some(rest);
        }
    }

    async fn one(&self, letter: &DeadLetter) -> anyhow::Result<Outcome> {
        let act = Act {
            worker: letter.worker.clone(),
            reason: self.reason.clone(),
            dry_run: self.dry_run,
        };
        let verb = self.verb.as_str();
        let key = key(verb, letter, &self.reason);
        let acted = self
            .client
            .act_on_dead_letter(&key, letter.id, verb, &act)
            .await;
        match acted {
            Ok(written) => Ok(Outcome::acted(letter, written.body)),
            Err(ApiError::Refused {
                status: 404 | 409 | 422,
                code,
                detail,
                ..
            }) => Ok(Outcome::refused(letter, code, detail)),
            Err(error) => Err(final_error(error)),
        }
    }
}

fn key(verb: &str, letter: &DeadLetter, reason: &str) -> String {
    let words = hex::encode(&Sha256::digest(reason.as_bytes())[..8]);
    format!("dlq:{verb}:{}:{}:{words}", letter.id, letter.replays_failed)
}
