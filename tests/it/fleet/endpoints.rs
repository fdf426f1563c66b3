//! `endpoints.json`, read as a stranger reads it: the file is a public format, so the type that
//! `florin` writes it with does not do for testing it.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use serde::Deserialize;

/// Where everything is.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoints {
    pub http: String,
    pub nats: String,
    pub postgres: String,
    pub services: BTreeMap<String, Service>,
    pub servers: Servers,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    pub pid: u32,
    pub admin: String,
    /// Of ledger processes.
    pub http: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Servers {
    pub nats: Nats,
    pub postgres: Postgres,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Postgres {
    pub pid: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Nats {
    pub pid: u32,
    pub store: PathBuf,
}

impl Endpoints {
    /// Reads the file of the fleet on `dir`.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let path = dir.join("endpoints.json");
        let named = |error: &dyn std::error::Error| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| named(&error))?;
        serde_json::from_str(&text).map_err(|error| named(&error))
    }

    /// A service by name.
    pub fn service(&self, name: &str) -> &Service {
        self.services
            .get(name)
            .unwrap_or_else(|| panic!("there is no {name}: {self:?}"))
    }
}
