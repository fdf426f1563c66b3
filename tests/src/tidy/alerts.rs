//! Who is woken is told what to do: every alert names a runbook that exists.

use super::{
    Finding,
    tree::{File, Tree},
};

/// Alerts of the Prometheus rules without a runbook.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let is_rules =
        |file: &File| file.path.starts_with("deploy/") && (file.is("yml") || file.is("yaml"));
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| is_rules(file)) {
        for (number, name, block) in alerts(&file.text) {
            let runbook = block
                .iter()
                .find_map(|line| line.trim().strip_prefix("runbook:"));
            let runbook = runbook.map(|path| path.trim().trim_matches('"'));
            if !runbook.is_some_and(|path| tree.has(path)) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: number,
                    what: format!("the alert {name} names no runbook that exists"),
                    instead: "add the annotation `runbook: docs/runbooks/<alert>.md` and write \
                              that page: what it means, what to look at, what to do."
                        .to_owned(),
                });
            }
        }
    }
    found
}

/// Each alert with its line, its name and the lines up to the next one.
fn alerts(text: &str) -> Vec<(usize, &str, Vec<&str>)> {
    let mut found: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.trim().strip_prefix("- alert:") {
            found.push((number + 1, name.trim(), Vec::new()));
        } else if let Some((_, _, block)) = found.last_mut() {
            block.push(line);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rules: &str) -> usize {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let runbook = file("docs/runbooks/lag.md", "# Lag");
        check(&Tree::of(vec![
            file("deploy/prometheus/rules.yml", rules),
            runbook,
        ]))
        .len()
    }

    #[test]
    fn an_alert_without_a_runbook_is_found() {
        assert_eq!(count("- alert: Lag\n  expr: x > 1\n"), 1);
        assert_eq!(
            count("- alert: Lag\n  annotations:\n    runbook: docs/runbooks/no.md\n"),
            1
        );
        assert_eq!(
            count("- alert: Lag\n  annotations:\n    runbook: docs/runbooks/lag.md\n"),
            0
        );
    }
}
