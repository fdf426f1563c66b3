//! The walls between rooms: which words may not stand in which files. The table is in
//! [`super::rules`].

use super::{
    Exception, Finding,
    glob::matches,
    source::{Line, Source, is_word},
};

/// Which lines of a file a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What users run.
    Production,
    /// What is only compiled for tests.
    Tests,
    /// Both.
    All,
}

/// Words that may not stand in a room.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What the rule is about, as a heading.
    pub name: &'static str,
    /// The files where it holds.
    pub rooms: &'static [&'static str],
    /// The files where it does not, each with the reason.
    pub except: &'static [Exception],
    /// Production code, tests, or both.
    pub scope: Scope,
    /// Words that may not stand in code; comments may say them.
    pub code: &'static [&'static str],
    /// Words that may not stand in string literals. A literal's quotes can be part of the word.
    pub strings: &'static [&'static str],
    /// What to do instead, and why.
    pub instead: &'static str,
}

impl Rule {
    /// Where these sources break the rule.
    pub fn check(&self, sources: &[Source]) -> Vec<Finding> {
        sources
            .iter()
            .filter(|source| {
                !self
                    .except
                    .iter()
                    .any(|(path, _)| matches(path, &source.path))
            })
            .flat_map(|source| self.breaches(source))
            .collect()
    }

    /// Exceptions that excuse nothing any more.
    pub fn stale_exceptions(&self, sources: &[Source]) -> Vec<Finding> {
        let excuses = |path: &str| {
            sources
                .iter()
                .filter(|source| matches(path, &source.path))
                .any(|source| !self.breaches(source).is_empty())
        };
        self.except
            .iter()
            .filter(|(path, _)| !excuses(path))
            .map(|(path, reason)| Finding {
                path: (*path).to_owned(),
                line: 0,
                what: format!(
                    "an exception of '{}' that excuses nothing ({reason})",
                    self.name
                ),
                instead: "delete it from the table, so that the wall is whole again".to_owned(),
            })
            .collect()
    }

    fn breaches(&self, source: &Source) -> Vec<Finding> {
        if !self.rooms.iter().any(|room| matches(room, &source.path)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (number, line) in source.lines.iter().enumerate() {
            if !self.is_about(line) {
                continue;
            }
            let in_code = self.code.iter().filter(|word| contains(&line.code, word));
            let in_strings = self
                .strings
                .iter()
                .filter(|word| contains(&line.strings, word));
            for word in in_code.chain(in_strings) {
                found.push(Finding {
                    path: source.path.clone(),
                    line: number + 1,
                    what: format!("{}: '{word}'", self.name),
                    instead: self.instead.to_owned(),
                });
            }
        }
        found
    }

    fn is_about(&self, line: &Line) -> bool {
        match self.scope {
            Scope::Production => !line.test,
            Scope::Tests => line.test,
            Scope::All => true,
        }
    }
}

/// Whether the word stands in the text as a word: `f64` is not in `record_f64`. A star is any
/// number of letters, digits, `_` and `-`.
pub fn contains(text: &str, word: &str) -> bool {
    if let Some((start, end)) = word.split_once('*') {
        return text.match_indices(start).any(|(at, _)| {
            let rest = text[at + start.len()..].trim_start_matches(|c| is_word(c) || c == '-');
            rest.starts_with(end)
        });
    }
    let starts_as_word = word.chars().next().is_some_and(is_word);
    let ends_as_word = word.chars().last().is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + word.len()..].chars().next().is_some_and(is_word);
        !(starts_as_word && before || ends_as_word && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_as_a_word_only() {
        assert!(contains("use sqlx::PgPool;", "sqlx"));
        assert!(!contains("fn record_f64(", "f64"));
        assert!(!contains("let unsleep(", "sleep("));
        assert!(contains("\"SELECT 1\"", "SELECT "));
        assert!(contains("\"Florin-Seq\"", "\"Florin-*\""));
        assert!(!contains("\"Florin-Seq is no number\"", "\"Florin-*\""));
    }

    #[test]
    fn an_exception_that_excuses_nothing_is_found() {
        let rule = Rule {
            name: "no float",
            rooms: &["crates/**"],
            except: &[("crates/a/src/lib.rs", "histograms")],
            scope: Scope::All,
            code: &["f64"],
            strings: &[],
            instead: "Decimal",
        };
        let used = Source::parse("crates/a/src/lib.rs", "fn a(_: f64) {}");
        let unused = Source::parse("crates/a/src/lib.rs", "fn a() {} // f64");
        assert_eq!(rule.check(std::slice::from_ref(&used)), []);
        assert_eq!(rule.stale_exceptions(&[used]), []);
        assert_eq!(rule.stale_exceptions(&[unused]).len(), 1);
    }
}
