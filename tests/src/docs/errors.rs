//! `docs/errors.md`: every code that a problem can have, what to do about it, and the test that
//! produces it.

use ledger_api::http::{ADVICE, Advice, Written};

use super::{GENERATED, code, table};
use crate::tidy::{Finding, tree::Tree};

/// The page.
pub const PAGE: &str = "docs/errors.md";

/// Where the rows stand.
const SOURCE: &str = "crates/ledger-api/src/http/advice.rs";

const INTRODUCTION: &str = "# Errors

Every answer that is none is a problem (RFC 9457) with a stable `code`; decide by it, the words may
change. Its `type` is `/errors/<code>`, and the ledger answers there with what this page says.
`instance` names the request, or the event of a decision.

*Written* says what is left behind. *Nothing*: not a row, and the `Idempotency-Key` stays free, so
the same key may be sent again. *Decision*: the ledger decided against it; the answer stays under
its key for as long as the key is kept, and a `rejected` event tells of it; no money moved.
*Order*: a worker tried, failed, and keeps the answer under the key. *Perhaps*: whoever answered
does not know; the same key tells.";

/// The page as it should be.
pub fn page() -> String {
    let rows = ADVICE.iter().map(|row| {
        vec![
            code(row.code.as_str()),
            row.code.status_number().to_string(),
            row.code.title().to_owned(),
            written(row.written).to_owned(),
            row.then.to_owned(),
            code(row.shown_by),
        ]
    });
    let head = [
        "code",
        "status",
        "meaning",
        "written",
        "what to do",
        "shown by",
    ];
    format!("{GENERATED}\n\n{INTRODUCTION}\n\n{}", table(&head, rows))
}

const fn written(written: Written) -> &'static str {
    match written {
        Written::Nothing => "nothing",
        Written::Decision => "decision",
        Written::Order => "order",
        Written::Perhaps => "perhaps",
    }
}

/// Rows whose test is not there, or lies in a file that does not speak of the code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    ADVICE
        .iter()
        .filter_map(|row| fault(row, tree))
        .map(|what| Finding {
            path: SOURCE.to_owned(),
            line: 0,
            what,
            instead: "name in its row the test that gets the code over HTTP and proves that \
                      nothing else was written, as `file.rs:function` below \
                      crates/ledger-api/tests/it/http/."
                .to_owned(),
        })
        .collect()
}

fn fault(row: &Advice, tree: &Tree) -> Option<String> {
    let (path, name) = row.shown_by.split_once(':')?;
    let Some(source) = tree.sources.iter().find(|source| source.path == path) else {
        return Some(format!("{}: there is no {path}", row.code));
    };
    if !source.functions().iter().any(|found| found.name == name) {
        return Some(format!("{}: {path} has no test {name}", row.code));
    }
    let quoted = format!("\"{}\"", row.code);
    let said = source
        .lines
        .iter()
        .any(|line| line.strings.contains(&quoted));
    (!said).then(|| format!("{}: {path} never expects {quoted}", row.code))
}
