//! `docs/features.md` tells the truth: every feature has one row, and what it calls done names
//! the tests that show it.

use std::collections::BTreeMap;

use super::{Finding, proofs};

/// The page.
pub const PAGE: &str = "docs/features.md";

/// The families of ids with how many there are. New ids go to the end; none is ever reused.
pub const FAMILIES: &[(&str, usize)] = &[
    ("M", 20),
    ("WAL", 19),
    ("TXN", 20),
    ("IDN", 15),
    ("ACC", 7),
    ("RSK", 8),
    ("SET", 7),
    ("DSP", 8),
    ("PRO", 7),
    ("EVT", 18),
    ("RDM", 10),
    ("OPS", 15),
    ("DOC", 6),
];

const STATES: &[&str] = &["done", "partly", "open"];

/// A row of the table: `| id | feature | state | shown by |`.
struct Row<'a> {
    line: usize,
    id: &'a str,
    state: &'a str,
    /// Whether it names a test as `path.rs:function`; [`proofs`] checks that it is there.
    proven: bool,
}

/// What is wrong with the page.
pub fn check(page: &str, families: &[(&str, usize)]) -> Vec<Finding> {
    let rows = rows(page);
    let mut found = Vec::new();
    let mut add = |line: usize, what: String, instead: &str| {
        found.push(Finding {
            path: PAGE.to_owned(),
            line,
            what,
            instead: instead.to_owned(),
        });
    };
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *count.entry(row.id).or_default() += 1;
        if !STATES.contains(&row.state) {
            add(
                row.line,
                format!("{}: unknown state '{}'", row.id, row.state),
                "done, partly or open.",
            );
        }
        if row.state == "done" && !row.proven {
            add(
                row.line,
                format!("{} is done, but no test shows it", row.id),
                "name the test as `path.rs:function`, or call it partly.",
            );
        }
    }
    let known: Vec<String> = families
        .iter()
        .flat_map(|(family, last)| ids(family, *last))
        .collect();
    for id in &known {
        let rows = count.remove(id.as_str()).unwrap_or_default();
        if rows != 1 {
            add(
                0,
                format!("{id} has {rows} rows"),
                "every feature has exactly one row.",
            );
        }
    }
    for id in count.keys() {
        add(
            0,
            format!("{id} is in no family"),
            "count it in FAMILIES of tests/src/tidy/features.rs.",
        );
    }
    found
}

fn ids(family: &str, last: usize) -> impl Iterator<Item = String> {
    (1..=last).map(move |number| match family {
        "M" => format!("M{number}"),
        family => format!("{family}-{number:02}"),
    })
}

fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
            let [id, _feature, state, proof, ..] = cells.as_slice() else {
                return None;
            };
            if *id == "id" || id.starts_with('-') {
                return None;
            }
            let proven = proofs::of_line(proof).next().is_some();
            Some(Row {
                line: number + 1,
                id,
                state,
                proven,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: &str = "`crates/a/tests/it/x.rs:it_holds`";

    fn count(rows: &str) -> usize {
        let page = format!("| id | feature | state | shown by |\n|---|---|---|---|\n{rows}");
        check(&page, &[("ABC", 2)]).len()
    }

    #[test]
    fn a_complete_page_is_left_alone() {
        assert_eq!(
            count(&format!(
                "| ABC-01 | x | done | {PROOF} |\n| ABC-02 | y | open | |"
            )),
            0
        );
    }

    #[test]
    fn a_missing_a_double_and_an_unknown_row_are_found() {
        let (one, two, three) = (
            "| ABC-01 | x | open | |",
            "| ABC-02 | y | open | |",
            "| ABC-03 | z | open | |",
        );
        assert_eq!(count(one), 1);
        assert_eq!(count(&[one, one, two].join("\n")), 1);
        assert_eq!(count(&[one, two, three].join("\n")), 1);
    }

    #[test]
    fn done_without_a_test_and_unknown_states_are_found() {
        let two = "| ABC-02 | y | open | |";
        assert_eq!(count(&format!("| ABC-01 | x | done | by hand |\n{two}")), 1);
        assert_eq!(
            count(&format!("| ABC-01 | x | finished | {PROOF} |\n{two}")),
            1
        );
    }
}
