//! A limit without its reason is a number that nobody dares to change.

use super::{Finding, source::Source};

/// Ends of the names of constants that limit something.
const ENDS: &[&str] = &[
    "_MAX",
    "_MIN",
    "_LIMIT",
    "_TIMEOUT",
    "_ATTEMPTS",
    "_EVERY",
    "_CONNECTIONS",
];

/// Constants that limit something, or are a time, without a comment above or beside them.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let mut commented = false;
        for (number, line) in source.lines.iter().enumerate() {
            let code = line.code.trim();
            commented |= !line.comment.trim().is_empty();
            if code.is_empty() || code.starts_with("#[") {
                continue;
            }
            if !line.test && !commented && is_limit(code) {
                found.push(Finding {
                    path: source.path.clone(),
                    line: number + 1,
                    what: format!("no reason: {code}"),
                    instead: "say in a comment above it why this much: what breaks when it is \
                              larger, and when it is smaller."
                        .to_owned(),
                });
            }
            // Constants that follow each other without a gap share the comment above them.
            commented &= is_limit(code);
        }
    }
    found
}

fn is_limit(code: &str) -> bool {
    let code = code
        .strip_prefix("pub ")
        .or_else(|| code.strip_prefix("pub(crate) "))
        .unwrap_or(code);
    let Some((name, kind)) = code
        .strip_prefix("const ")
        .and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    ENDS.iter().any(|end| name.ends_with(end)) || kind.trim_start().starts_with("Duration =")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&[Source::parse("crates/a/src/lib.rs", text)]).len()
    }

    #[test]
    fn a_limit_without_a_reason_is_found() {
        assert_eq!(count("const BATCH_MAX: usize = 512;"), 1);
        assert_eq!(
            count("// why\nfn a() {}\npub(crate) const PAUSE: Duration = SECOND;"),
            1
        );
    }

    #[test]
    fn a_limit_with_its_reason_and_other_constants_are_left_alone() {
        assert_eq!(count("/// Why.\nconst BATCH_MAX: usize = 512;"), 0);
        assert_eq!(
            count("/// Why.\n#[expect(x)]\nconst BATCH_MAX: usize = 512; "),
            0
        );
        assert_eq!(count("const NAME: &str = \"a\";"), 0);
        assert_eq!(
            count("/// Both.\nconst A_MIN: u8 = 1;\nconst A_MAX: u8 = 2;"),
            0
        );
    }
}
