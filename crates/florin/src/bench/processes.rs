//! How much memory the fleet's processes hold, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use crate::fleet::Endpoints;

/// Resident memory in KiB by process. Absent what cannot be read, as on systems without `/proc`.
///
/// Postgres is many processes that share their buffers: its number is what each has for itself,
/// and the shared part once.
pub fn memory(endpoints: &Endpoints) -> BTreeMap<String, u64> {
    let mut memory = BTreeMap::new();
    for (name, service) in &endpoints.services {
        if let Some(status) = Status::of(service.pid) {
            memory.insert(name.clone(), status.resident);
        }
    }
    if let Some(status) = endpoints
        .servers
        .nats
        .as_ref()
        .and_then(|nats| Status::of(nats.pid))
    {
        memory.insert("nats-server".to_owned(), status.resident);
    }
    if let Some(postgres) = &endpoints.servers.postgres
        && let Some(parent) = Status::of(postgres.pid)
    {
        let children = children(postgres.pid);
        let own: u64 = children.iter().map(|child| child.own).sum();
        let shared = children
            .iter()
            .map(|child| child.shared)
            .max()
            .unwrap_or_default();
        memory.insert(
            "postgres".to_owned(),
            parent.own + own + parent.shared.max(shared),
        );
    }
    memory
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    parent: u32,
    resident: u64,
    own: u64,
    shared: u64,
}

impl Status {
    fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/status"))
            .ok()
            .map(|text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let number = || {
                value
                    .split_whitespace()
                    .next()
                    .and_then(|text| text.parse().ok())
            };
            match name {
                "PPid" => {
                    status.parent = number().and_then(|n: u64| n.try_into().ok()).unwrap_or(0);
                }
                "VmRSS" => status.resident = number().unwrap_or(0),
                "RssAnon" => status.own = number().unwrap_or(0),
                "RssShmem" => status.shared = number().unwrap_or(0),
                _ => {}
            }
        }
        status
    }
}

fn children(pid: u32) -> Vec<Status> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Status::of)
        .filter(|status| status.parent == pid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_file_tells_parent_and_memory() {
        let text = "Name:\tpostgres\nPPid:\t41\nVmRSS:\t  5000 kB\nRssAnon:\t 1000 kB\nRssShmem:\t3000 kB\n";
        let expected = Status {
            parent: 41,
            resident: 5_000,
            own: 1_000,
            shared: 3_000,
        };
        assert_eq!(Status::parse(text), expected);
    }
}
