//! What the fleet's processes hold and use, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use crate::fleet::Endpoints;

/// The name of this process among the others.
const OURSELVES: &str = "load generator";
/// `/proc` counts processor time in hundredths of a second, on every architecture of ours.
const TICK_MILLIS: u64 = 10;

/// What a process, or a server of many, holds and has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory.
    pub memory_kib: u64,
    /// Processor time since it started.
    pub cpu_millis: u64,
}

/// By process; absent what cannot be read, as on systems without `/proc`.
///
/// Postgres is many processes that share their buffers: its memory is what each has for itself,
/// and the shared part once.
pub fn usage(endpoints: &Endpoints) -> BTreeMap<String, Usage> {
    let mut all = BTreeMap::new();
    let services = endpoints
        .services
        .iter()
        .map(|(name, service)| (name.as_str(), service.pid));
    let nats = endpoints
        .servers
        .nats
        .as_ref()
        .map(|nats| ("nats-server", nats.pid));
    let ourselves = (OURSELVES, std::process::id());
    for (name, pid) in services.chain(nats).chain([ourselves]) {
        if let Some(status) = Status::of(pid) {
            let cpu_millis = cpu_millis(pid);
            all.insert(
                name.to_owned(),
                Usage {
                    memory_kib: status.resident,
                    cpu_millis,
                },
            );
        }
    }
    if let Some(postgres) = &endpoints.servers.postgres
        && let Some(parent) = Status::of(postgres.pid)
    {
        let children = children(postgres.pid);
        let all_of_it = || children.iter().map(|(_, status)| status).chain([&parent]);
        let own: u64 = all_of_it().map(|status| status.own).sum();
        let shared = all_of_it()
            .map(|status| status.shared)
            .max()
            .unwrap_or_default();
        let pids = children.iter().map(|(pid, _)| *pid).chain([postgres.pid]);
        let usage = Usage {
            memory_kib: own + shared,
            cpu_millis: pids.map(cpu_millis).sum(),
        };
        all.insert("postgres".to_owned(), usage);
    }
    all
}

/// Processor time of a process and of its children that have ended.
fn cpu_millis(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    ticks(&stat) * TICK_MILLIS
}

/// The fields 14 to 17 of proc(5); the name before them, in parentheses, may contain anything.
fn ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(11).take(4);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
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

fn children(pid: u32) -> Vec<(u32, Status)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Status::of(pid)?)))
        .filter(|(_, status)| status.parent == pid)
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

    #[test]
    fn processor_time_stands_behind_whatever_the_name_is() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 100 0 0 0 30 12 5 3 20 0 1 0 900 1 2";
        assert_eq!(ticks(stat), 50);
        assert_eq!(ticks(""), 0);
    }
}
