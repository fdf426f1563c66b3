//! What a process is and what it uses, as metrics.

use std::{fs, time::Duration};

use metrics::gauge;

use crate::{
    Process,
    metrics::{BUILD_INFO, MEMORY, OPEN_FILES, OPEN_FILES_MAX, STARTED, to_f64},
};

/// Shows them from now on.
pub(crate) fn show(process: &Process) {
    let version = env!("CARGO_PKG_VERSION");
    BUILD_INFO.show(&[("service", process.name()), ("version", version)]);
    gauge!(BUILD_INFO.name, "service" => process.name(), "version" => version).set(1);
    let started = process.clock().now().timestamp_millis().unsigned_abs();
    gauge!(STARTED.name).set(Duration::from_millis(started).as_secs_f64());
    if let Some(most) = files_max() {
        gauge!(OPEN_FILES_MAX.name).set(most);
    }
    for metric in [MEMORY, OPEN_FILES, OPEN_FILES_MAX] {
        metric.show(&[]);
    }
    process.gauge(|| {
        if let Some(bytes) = memory_bytes() {
            gauge!(MEMORY.name).set(to_f64(bytes));
        }
        if let Some(files) = open_files() {
            gauge!(OPEN_FILES.name).set(files);
        }
    });
}

fn memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn open_files() -> Option<u32> {
    // One of them is the directory that is being read.
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u32::try_from(count.saturating_sub(1)).ok()
}

fn files_max() -> Option<u32> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
