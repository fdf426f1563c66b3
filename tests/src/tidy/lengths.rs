//! Files and functions stay short enough to be read at one sitting.

use super::{Exception, Finding, glob::matches, source::Source};

/// Lines of a file. About 150 is typical.
pub const FILE_LINES_MAX: usize = 400;
/// Lines of a function that are neither blank nor comment. About 40 is a lot.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Files that are longer, and why.
pub const LONG_FILES: &[Exception] = &[];

/// Functions that are longer, as `path:function`, and why.
pub const LONG_FUNCTIONS: &[Exception] = &[(
    "crates/ledger-api/src/store/journal.rs:append_in_tx",
    "one statement, because everybody waits for the head that it moves, and its columns",
)];

/// Everything that is too long or is listed without need.
pub fn check(sources: &[Source], files: &[Exception], functions: &[Exception]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    for source in sources {
        let lines = source.lines.len() - usize::from(ends_with_newline(source));
        if lines > FILE_LINES_MAX {
            match files.iter().find(|(path, _)| matches(path, &source.path)) {
                Some((path, _)) => used.push(path),
                None => found.push(long_file(source, lines)),
            }
        }
        for function in source.functions() {
            if function.length <= FUNCTION_LINES_MAX {
                continue;
            }
            let name = format!("{}:{}", source.path, function.name);
            match functions.iter().find(|(listed, _)| *listed == name) {
                Some((listed, _)) => used.push(listed),
                None => found.push(Finding {
                    path: source.path.clone(),
                    line: function.line,
                    what: format!("{} has {} lines of code", function.name, function.length),
                    instead: format!(
                        "at most {FUNCTION_LINES_MAX}: move pure leaves out and keep the branches \
                         in the parent. If the order of steps is the point, list it with that \
                         reason in LONG_FUNCTIONS of tests/src/tidy/lengths.rs."
                    ),
                }),
            }
        }
    }
    for (listed, reason) in files.iter().chain(functions) {
        if !used.contains(listed) {
            found.push(Finding {
                path: (*listed).to_owned(),
                line: 0,
                what: format!("listed as long without need ({reason})"),
                instead: "delete the entry from tests/src/tidy/lengths.rs.".to_owned(),
            });
        }
    }
    found
}

fn ends_with_newline(source: &Source) -> bool {
    source.lines.last().is_some_and(|line| {
        *line
            == super::source::Line {
                test: line.test,
                ..Default::default()
            }
    })
}

fn long_file(source: &Source, lines: usize) -> Finding {
    Finding {
        path: source.path.clone(),
        line: 0,
        what: format!("{lines} lines"),
        instead: format!(
            "at most {FILE_LINES_MAX}: split by noun or by phase, or move the tests to a file \
             tests.rs beside it. If it must stay whole, list it with the reason in LONG_FILES of \
             tests/src/tidy/lengths.rs."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found_and_a_listed_one_is_not() {
        let long = Source::parse("crates/a/src/lib.rs", &"//! x\n".repeat(FILE_LINES_MAX + 1));
        let short = Source::parse("crates/a/src/b.rs", &"//! x\n".repeat(FILE_LINES_MAX));
        let listed: &[Exception] = &[("crates/a/src/lib.rs", "one table")];
        assert_eq!(check(&[long.clone(), short.clone()], &[], &[]).len(), 1);
        assert_eq!(check(&[long], listed, &[]), []);
        assert_eq!(
            check(&[short], listed, &[]).len(),
            1,
            "an entry without need"
        );
    }

    #[test]
    fn a_long_function_is_found_and_a_listed_one_is_not() {
        let text = format!(
            "fn long() {{\n{}}}\n",
            "    a();\n".repeat(FUNCTION_LINES_MAX - 1)
        );
        let long = Source::parse("crates/a/src/lib.rs", &text);
        let found = check(std::slice::from_ref(&long), &[], &[]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].what.contains("long has 71 lines"),
            "{}",
            found[0].what
        );
        assert_eq!(
            check(&[long], &[], &[("crates/a/src/lib.rs:long", "one list")]),
            []
        );
    }

    #[test]
    fn comments_and_blank_lines_do_not_make_a_function_long() {
        let text = format!(
            "fn a() {{\n{}}}\n",
            "    // why\n\n".repeat(FUNCTION_LINES_MAX)
        );
        assert_eq!(
            check(&[Source::parse("crates/a/src/lib.rs", &text)], &[], &[]),
            []
        );
    }
}
