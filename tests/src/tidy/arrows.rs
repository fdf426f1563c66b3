//! Which crate may know which: contracts ← service-runtime ← services ← florin and the system
//! tests. Services never know one another.

use super::{Finding, tree::Tree};

/// Crates of this workspace that are no services, with what they may depend on.
const HOUSE: &[(&str, &[&str])] = &[
    ("contracts", &[]),
    ("local-servers", &[]),
    ("service-runtime", &["contracts"]),
    ("testkit", &["local-servers"]),
];
/// What a service may depend on.
const SERVICE: &[&str] = &["contracts", "service-runtime"];
/// What anybody may use in tests.
const TEST_TOOLS: &[&str] = &["testkit", "local-servers"];
/// The language is pure data.
const CONTRACTS_BANNED: &[&str] = &[
    "tokio",
    "sqlx",
    "async-nats",
    "axum",
    "reqwest",
    "rand",
    "tracing",
    "metrics",
];

/// A crate and what it depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    path: String,
    name: String,
    normal: Vec<String>,
    dev: Vec<String>,
}

impl Package {
    /// Reads a `Cargo.toml`; none if it is the workspace's own.
    pub fn parse(path: &str, text: &str) -> Option<Self> {
        let mut package = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let key = key
                .trim()
                .split('.')
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            match section {
                "package" if key == "name" => {
                    value.trim().trim_matches('"').clone_into(&mut package.name);
                }
                "dependencies" | "build-dependencies" => package.normal.push(key.to_owned()),
                "dev-dependencies" => package.dev.push(key.to_owned()),
                _ => {}
            }
        }
        (!package.name.is_empty()).then_some(package)
    }

    fn may_use(&self, ours: &[&str], other: &str) -> bool {
        match self.name.as_str() {
            "system-tests" => return true,
            "florin" => return !["system-tests", "testkit"].contains(&other),
            _ => {}
        }
        let house = HOUSE.iter().find(|(name, _)| *name == self.name);
        let allowed = house.map_or(SERVICE, |(_, allowed)| allowed);
        !ours.contains(&other) || allowed.contains(&other)
    }
}

/// Where an arrow points the wrong way.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    let ours: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut found = Vec::new();
    for package in packages {
        let normal = package
            .normal
            .iter()
            .filter(|other| !package.may_use(&ours, other));
        let dev = package.dev.iter().filter(|other| {
            !package.may_use(&ours, other) && !TEST_TOOLS.contains(&other.as_str())
        });
        for other in normal.chain(dev) {
            found.push(Finding {
                path: package.path.clone(),
                line: 0,
                what: format!("{} depends on {other}", package.name),
                instead: "contracts ← service-runtime ← services ← florin and tests; services \
                          never know one another. Put what both need into contracts (data) or \
                          service-runtime (technique), or ask the other service over NATS."
                    .to_owned(),
            });
        }
        if package.name == "contracts" {
            for other in package
                .normal
                .iter()
                .filter(|d| CONTRACTS_BANNED.contains(&d.as_str()))
            {
                found.push(Finding {
                    path: package.path.clone(),
                    line: 0,
                    what: format!("contracts depends on {other}"),
                    instead: "contracts are pure data: IO belongs to service-runtime.".to_owned(),
                });
            }
        }
    }
    found
}

/// The crates of the workspace.
pub fn packages(tree: &Tree) -> Vec<Package> {
    tree.files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .filter_map(|file| Package::parse(&file.path, &file.text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, normal: &[&str], dev: &[&str]) -> Package {
        let lines = |names: &[&str]| {
            let lines: Vec<String> = names
                .iter()
                .map(|name| format!("{name}.workspace = true"))
                .collect();
            lines.join("\n")
        };
        let text = format!(
            "[package]\nname = \"{name}\"\n[dependencies]\n{}\n[dev-dependencies]\n{}",
            lines(normal),
            lines(dev)
        );
        Package::parse(&format!("crates/{name}/Cargo.toml"), &text).expect("a package")
    }

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        let packages = [
            package("contracts", &["serde"], &[]),
            package("service-runtime", &["contracts", "tokio"], &["testkit"]),
            package(
                "one-worker",
                &["contracts", "service-runtime"],
                &["testkit", "local-servers"],
            ),
            package("local-servers", &["tokio"], &["testkit"]),
            package("testkit", &["local-servers"], &[]),
            package("florin", &["one-worker", "local-servers"], &["testkit"]),
            package("system-tests", &["florin", "one-worker", "testkit"], &[]),
        ];
        assert_eq!(check(&packages), []);
    }

    #[test]
    fn a_service_that_knows_another_is_found() {
        let one = package("one-worker", &[], &[]);
        let other = package("other-worker", &["one-worker"], &[]);
        assert_eq!(check(&[one.clone(), other]).len(), 1);
        let only_in_tests = package("other-worker", &[], &["one-worker"]);
        assert_eq!(check(&[one, only_in_tests]).len(), 1);
    }

    #[test]
    fn arrows_back_into_the_house_are_found() {
        let service = package("one-worker", &[], &[]);
        for name in ["contracts", "service-runtime", "local-servers", "testkit"] {
            assert_eq!(
                check(&[service.clone(), package(name, &["one-worker"], &[])]).len(),
                1
            );
        }
    }

    #[test]
    fn a_test_tool_in_production_and_io_in_the_contracts_are_found() {
        let tools = package("testkit", &[], &[]);
        for name in ["one-worker", "florin"] {
            assert_eq!(
                check(&[tools.clone(), package(name, &["testkit"], &[])]).len(),
                1
            );
        }
        assert_eq!(check(&[package("contracts", &["tokio"], &[])]).len(), 1);
    }
}
