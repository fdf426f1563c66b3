//! Every Rust file is part of its crate: one that no `mod` names is not compiled, not tested and
//! read all the same.

use super::{Finding, rooms::contains, source::Source};

/// Files that no other file declares.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter(|source| !is_root(&source.path) && !is_declared(&source.path, sources))
        .map(|source| Finding {
            path: source.path.clone(),
            line: 0,
            what: "no `mod` names it".to_owned(),
            instead: "declare it where it belongs, or delete it.".to_owned(),
        })
        .collect()
}

/// What cargo starts from.
fn is_root(path: &str) -> bool {
    let mut segments = path.rsplit('/');
    let name = segments.next().unwrap_or_default();
    let folder = segments.next().unwrap_or_default();
    matches!(name, "lib.rs" | "main.rs" | "build.rs")
        || matches!(folder, "bin" | "examples" | "benches")
}

fn is_declared(path: &str, sources: &[Source]) -> bool {
    let stem = path.trim_end_matches(".rs");
    let module = stem.strip_suffix("/mod").unwrap_or(stem);
    let Some((folder, name)) = module.rsplit_once('/') else {
        return false;
    };
    let parents = [
        format!("{folder}.rs"),
        format!("{folder}/mod.rs"),
        format!("{folder}/lib.rs"),
        format!("{folder}/main.rs"),
    ];
    let declaration = format!("mod {name};");
    sources
        .iter()
        .filter(|source| parents.contains(&source.path))
        .any(|source| {
            source
                .lines
                .iter()
                .any(|line| contains(&line.code, &declaration))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_declares_is_found() {
        let sources = [
            Source::parse("crates/a/src/lib.rs", "mod one;\nmod two;\n// mod lost;"),
            Source::parse("crates/a/src/one.rs", "mod deeper;"),
            Source::parse("crates/a/src/one/deeper.rs", ""),
            Source::parse("crates/a/src/two/mod.rs", ""),
            Source::parse("crates/a/src/lost.rs", ""),
            Source::parse("crates/a/src/bin/tool.rs", ""),
        ];
        let found = check(&sources);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/a/src/lost.rs");
    }
}
