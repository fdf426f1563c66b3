//! Links between the pages lead somewhere.

use super::{Finding, tree::Tree};

/// Relative links of Markdown files that lead nowhere.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.is("md")) {
        for (number, target) in links(&file.text) {
            if let Err(what) = resolve(tree, &file.path, target) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: number,
                    what: format!("the link to '{target}': {what}"),
                    instead: "link to a page and heading that exist, relative to this page."
                        .to_owned(),
                });
            }
        }
    }
    found
}

/// The targets of `[text](target)` outside code blocks, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            if let Some(end) = line[at..].find(')') {
                found.push((number + 1, &line[at + 2..at + end]));
            }
        }
    }
    found
}

fn resolve(tree: &Tree, page: &str, target: &str) -> Result<(), String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        join(page, path)?
    };
    if !tree.has(&path) {
        return Err(format!("there is no {path}"));
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let text = tree
        .text(&path)
        .ok_or_else(|| format!("{path} is no page"))?;
    if headings(text).iter().any(|heading| heading == anchor) {
        Ok(())
    } else {
        Err(format!("{path} has no heading '{anchor}'"))
    }
}

fn join(page: &str, path: &str) -> Result<String, String> {
    let mut segments: Vec<&str> = page.split('/').collect();
    segments.pop();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop().ok_or("it leaves the repository")?;
            }
            name => segments.push(name),
        }
    }
    Ok(segments.join("/"))
}

/// Headings as anchors: lower case, punctuation dropped, spaces as hyphens.
fn headings(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::File;

    fn count(text: &str) -> usize {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let other = file("docs/other.md", "# A page\n\n## What, and why?\n");
        check(&Tree::of(vec![file("docs/page.md", text), other])).len()
    }

    #[test]
    fn dead_links_are_found() {
        assert_eq!(count("[x](missing.md)"), 1);
        assert_eq!(count("[x](other.md#no-such-heading)"), 1);
        assert_eq!(count("[x](../../outside.md)"), 1);
    }

    #[test]
    fn living_links_are_left_alone() {
        assert_eq!(
            count("[x](other.md) [y](other.md#what-and-why) [z](https://x.org/y#z)"),
            0
        );
        assert_eq!(count("```\n[x](missing.md)\n```"), 0);
    }
}
