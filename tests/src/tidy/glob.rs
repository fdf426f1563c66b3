//! Path patterns: `*` is any text within one segment, `**` any number of segments.

/// Whether the pattern matches the whole path.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    segments(&pattern, &path)
}

fn segments(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skipped| segments(rest, &path[skipped..])),
        Some((first, rest)) => path
            .split_first()
            .is_some_and(|(name, others)| segment(first, name) && segments(rest, others)),
    }
}

fn segment(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_a_segment_and_two_stars_do_not() {
        assert!(matches(
            "crates/*/src/http/**",
            "crates/ledger-api/src/http/wallets/get.rs"
        ));
        assert!(matches(
            "crates/*/src/http/**",
            "crates/ledger-api/src/http/mod.rs"
        ));
        assert!(!matches(
            "crates/*/src/http/**",
            "crates/ledger-api/src/store/mod.rs"
        ));
        assert!(matches("**/*.md", "README.md"));
        assert!(matches("**/*.md", "docs/adr/0001-x.md"));
        assert!(!matches("crates/*.rs", "crates/a/b.rs"));
    }
}
