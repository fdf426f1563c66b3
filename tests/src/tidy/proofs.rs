//! What a page says that a test shows: `path.rs:function` between backticks names a test that
//! exists.

use super::{Finding, source::Source, tree::Tree};

/// The proofs of a line.
pub fn of_line(line: &str) -> impl Iterator<Item = &str> {
    // Between backticks: the odd pieces.
    line.split('`').skip(1).step_by(2).filter(|text| {
        text.split_once(".rs:").is_some_and(|(path, name)| {
            let is_word = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
            path.chars().all(is_word) && name.starts_with(|c: char| c.is_ascii_lowercase())
        })
    })
}

/// Proofs of any page that name no test.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.is("md")) {
        for (number, line) in file.text.lines().enumerate() {
            for what in of_line(line).filter_map(|proof| resolve(proof, &tree.sources).err()) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: number + 1,
                    what,
                    instead: "name a test that exists, as `path.rs:function`.".to_owned(),
                });
            }
        }
    }
    found
}

fn resolve(proof: &str, sources: &[Source]) -> Result<(), String> {
    let (path, name) = proof.split_once(':').unwrap_or((proof, ""));
    let source = sources
        .iter()
        .find(|source| source.path == path)
        .ok_or_else(|| format!("there is no {path}"))?;
    let function = source
        .functions()
        .into_iter()
        .find(|function| function.name == name)
        .ok_or_else(|| format!("{path} has no function {name}"))?;
    if source.lines[function.line - 1].test {
        Ok(())
    } else {
        Err(format!("{path}:{name} is no test"))
    }
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
        let source = "fn used() {}\n#[cfg(test)]\nmod tests {\n#[test]\nfn it_holds() {}\n}\n";
        let tree = Tree::of(vec![
            file("README.md", text),
            file("crates/a/src/x.rs", source),
        ]);
        check(&tree).len()
    }

    #[test]
    fn a_proof_that_names_no_test_is_found() {
        assert_eq!(count("See `crates/a/src/x.rs:it_flies`."), 1);
        assert_eq!(count("See `crates/a/src/y.rs:it_holds`."), 1);
        assert_eq!(count("See `crates/a/src/x.rs:used`."), 1);
    }

    #[test]
    fn a_proof_that_names_a_test_is_left_alone() {
        assert_eq!(
            count("See `crates/a/src/x.rs:it_holds`, and `path.rs: why`."),
            0
        );
    }
}
