//! What people and programs get to see of dead letters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use chrono::{DateTime, SecondsFormat, Utc};
use contracts::{DeadLetterId, Totals};
use serde::Serialize;

use crate::api_client::{Acted, DeadLetter, DeadLetterPage, WholeDeadLetter};
use crate::exit::Code;
use crate::output::{align_right, grouped, table};

/// Failures that people are shown; the JSON has all.
const SHOWN_MAX: usize = 20;
/// Characters of an error in a table.
const ERROR_CHARS_MAX: usize = 80;

/// What came of a command; its JSON is a public format.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    verb: &'static str,
    dry_run: bool,
    /// How many ended how.
    counts: BTreeMap<String, u64>,
    /// The money of those that ended so.
    money: BTreeMap<String, Totals>,
    /// How many of those are about money that nobody can tell.
    money_unknown: BTreeMap<String, u64>,
    /// Each, in order.
    outcomes: Vec<Outcome>,
    /// Workers that did not answer: theirs were left alone.
    unavailable: BTreeSet<String>,
}

/// What came of one dead letter.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    id: DeadLetterId,
    /// Whose it is, unless nobody has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
    /// As the API names it: an outcome, or the code of a refusal.
    #[serde(rename = "outcome")]
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    stake: Option<Totals>,
}

impl Outcome {
    pub(super) fn acted(letter: &DeadLetter, acted: Acted) -> Self {
        let error = match (acted.reason, acted.error) {
            (Some(reason), Some(error)) => Some(format!("{reason}: {error}")),
            (_, error) => error,
        };
        Self::of(letter, acted.outcome, error)
    }

    pub(super) fn refused(letter: &DeadLetter, code: String, detail: String) -> Self {
        Self::of(letter, code, Some(detail))
    }

    pub(super) fn missing(id: DeadLetterId, code: String, detail: String) -> Self {
        Self {
            id,
            worker: None,
            code,
            error: Some(detail),
            stake: None,
        }
    }

    fn of(letter: &DeadLetter, code: String, error: Option<String>) -> Self {
        Self {
            id: letter.id,
            worker: Some(letter.worker.clone()),
            code,
            error,
            stake: letter.stake.clone(),
        }
    }
}

impl Report {
    pub(super) fn new(verb: &'static str, dry_run: bool) -> Self {
        Self {
            verb,
            dry_run,
            counts: BTreeMap::new(),
            money: BTreeMap::new(),
            money_unknown: BTreeMap::new(),
            outcomes: Vec::new(),
            unavailable: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        let name = &outcome.code;
        *self.counts.entry(name.clone()).or_default() += 1;
        match &outcome.stake {
            Some(stake) => self.money.entry(name.clone()).or_default().add_all(stake),
            None => *self.money_unknown.entry(name.clone()).or_default() += 1,
        }
        self.outcomes.push(outcome);
    }

    pub(super) fn missed(&mut self, workers: &[String]) {
        self.unavailable.extend(workers.iter().cloned());
    }

    /// Whether nothing was done so far.
    pub(super) fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// 1 when one of them did not end as wanted, else 3 when some were not seen.
    pub(super) fn code(&self) -> Code {
        if self.outcomes.iter().any(|one| !self.is_good(&one.code)) {
            Code::Found
        } else {
            super::complete(self.unavailable.is_empty())
        }
    }

    /// It is as the operator wants it, whoever made it so.
    fn is_good(&self, outcome: &str) -> bool {
        match self.verb {
            "replay" => matches!(outcome, "replayed" | "already_replayed" | "would_replay"),
            _ => matches!(outcome, "discarded" | "already_discarded" | "would_discard"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outcomes.is_empty() {
            write!(f, "Nothing to {}.", self.verb)?;
            return f.write_str(&missing(&self.unavailable));
        }
        let mut counts = table(&["outcome", "dead letters", "money"]);
        for (outcome, count) in &self.counts {
            let unknown = self.money_unknown.get(outcome).copied().unwrap_or_default();
            let nothing = Totals::default();
            let known = self.money.get(outcome).unwrap_or(&nothing);
            counts.add_row([words(outcome), grouped(*count), money(known, unknown)]);
        }
        align_right(&mut counts, &[1]);
        writeln!(f, "{counts}")?;
        let failed = self.outcomes.iter();
        let failed: Vec<_> = failed.filter(|one| !self.is_good(&one.code)).collect();
        if !failed.is_empty() {
            let mut rows = table(&["dead letter", "outcome", "why"]);
            for one in failed.iter().take(SHOWN_MAX) {
                let why = one.error.as_deref().unwrap_or_default();
                rows.add_row([one.id.to_string(), words(&one.code), short(why)]);
            }
            writeln!(f, "\n{rows}")?;
            if failed.len() > SHOWN_MAX {
                writeln!(f, "and {} more", failed.len() - SHOWN_MAX)?;
            }
        }
        if self.dry_run {
            writeln!(f, "\nA dry run: nothing was changed.")?;
        }
        f.write_str(&missing(&self.unavailable))
    }
}

/// A list, for people.
pub(super) fn list(page: &DeadLetterPage) -> String {
    let mut text = String::new();
    if page.items.is_empty() {
        text.push_str("No dead letters.\n");
    } else {
        let mut rows = table(&[
            "dead letter",
            "worker",
            "state",
            "given up",
            "type",
            "reason",
            "money",
            "error",
        ]);
        for letter in &page.items {
            rows.add_row([
                letter.id.to_string(),
                letter.worker.clone(),
                letter.state.as_str().to_owned(),
                at(letter.last_at),
                event_type(&letter.event_type).to_owned(),
                letter.reason.clone(),
                stake(letter.stake.as_ref()),
                short(&letter.error),
            ]);
        }
        let (shown, total) = (page.items.len() as u64, page.total);
        let at_stake = money(&page.at_stake, page.at_stake_unknown);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{rows}\n");
        let _ = writeln!(
            text,
            "{} of {} dead letters",
            grouped(shown),
            grouped(total)
        );
        let _ = writeln!(text, "At stake: {at_stake}");
    }
    text + &missing(&page.unavailable)
}

/// One dead letter, for people.
pub(super) fn one(letter: &WholeDeadLetter) -> String {
    let summary = &letter.summary;
    let wallets: Vec<String> = summary.wallets.iter().map(ToString::to_string).collect();
    let seq = summary.seq.map_or_else(
        || "none: it is not in the log".to_owned(),
        |seq| seq.to_string(),
    );
    let mut facts = table(&["dead letter", &summary.id.to_string()]);
    for (name, value) in [
        ("worker", summary.worker.clone()),
        ("state", summary.state.as_str().to_owned()),
        ("position in the log", seq),
        ("type", summary.event_type.clone()),
        ("subject", summary.subject.clone()),
        ("reason", summary.reason.clone()),
        ("error", summary.error.clone()),
        ("attempts", summary.attempts.to_string()),
        ("first tried", at(summary.first_at)),
        ("given up", at(summary.last_at)),
        ("wallets", wallets.join(", ")),
        ("money", stake(summary.stake.as_ref())),
    ] {
        facts.add_row([name.to_owned(), printable(&value)]);
    }
    let mut text = format!("{facts}\n\n");
    if !letter.headers.is_empty() {
        let mut headers = table(&["header", "value"]);
        for header in &letter.headers {
            headers.add_row([&header.name, &printable(&header.value)]);
        }
        let _ = writeln!(text, "{headers}\n");
    }
    let _ = match (&letter.data, &letter.data_base64) {
        (Some(data), _) => writeln!(text, "{}\n", printable(data)),
        (None, Some(data)) => writeln!(text, "base64: {data}\n"),
        (None, None) => Ok(()),
    };
    if letter.history.is_empty() {
        text.push_str("Nobody has acted on it.\n");
    } else {
        let mut history = table(&["when", "what", "who", "role", "why", "error"]);
        for action in &letter.history {
            history.add_row([
                at(action.at),
                action.action.clone(),
                action.by.clone(),
                action.role.clone(),
                action.reason.clone(),
                printable(action.error.as_deref().unwrap_or_default()),
            ]);
        }
        let _ = writeln!(text, "{history}");
    }
    text
}

fn missing<'a>(workers: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = workers.into_iter().map(String::as_str).collect();
    if names.is_empty() {
        return String::new();
    }
    let names = names.join(", ");
    format!("\nDid not answer, so theirs are missing here: {names}\n")
}

fn money(known: &Totals, unknown: u64) -> String {
    let mut parts: Vec<String> = known
        .iter()
        .map(|(currency, sum)| format!("{sum} {currency}"))
        .collect();
    if unknown == 1 {
        parts.push("1 dead letter whose money is unknown".to_owned());
    } else if unknown > 1 {
        parts.push(format!(
            "{} dead letters whose money is unknown",
            grouped(unknown)
        ));
    }
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    parts.join(", ")
}

fn stake(stake: Option<&Totals>) -> String {
    stake.map_or_else(|| "unknown".to_owned(), |stake| money(stake, 0))
}

/// `florin.ledger.transfer.posted.v1` without what all have in common.
fn event_type(name: &str) -> &str {
    let short = name.strip_prefix("florin.ledger.").unwrap_or(name);
    short.strip_suffix(".v1").unwrap_or(short)
}

fn words(code: &str) -> String {
    code.replace('_', " ")
}

fn at(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn short(text: &str) -> String {
    let mut short: String = printable(text).chars().take(ERROR_CHARS_MAX).collect();
    if text.chars().count() > ERROR_CHARS_MAX {
        short.push('…');
    }
    short
}

/// Whoever sent the message may have put commands to a terminal into it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_nobody_can_tell_is_told_as_such() {
        let known: Totals = serde_json::from_str(r#"{"EUR":"12.50","JPY":"3"}"#).expect("sums");
        assert_eq!(
            money(&known, 2),
            "12.50 EUR, 3 JPY, 2 dead letters whose money is unknown"
        );
        assert_eq!(money(&Totals::default(), 0), "nothing");
        assert_eq!(stake(None), "unknown");
    }

    #[test]
    fn a_message_cannot_command_the_terminal() {
        assert_eq!(short("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(short(&"x".repeat(81)).chars().count(), 81);
    }
}
