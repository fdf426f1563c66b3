//! Signals to processes, and whether a process still runs.

use std::io;
use std::process::Command;

use rustix::process::{Pid, kill_process, test_kill_process};

/// The signals that servers and services are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Please end.
    Term,
    /// For Postgres: fast shutdown. For others: as Ctrl-C.
    Int,
    /// For Postgres: immediate shutdown, as after a crash but without leaving its children.
    Quit,
    /// A crash.
    Kill,
    /// Pause.
    Stop,
    /// Go on after a pause.
    Cont,
}

impl Signal {
    /// The name that `kill -NAME` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
        }
    }

    /// Whether a process that obeys it ends.
    pub fn ends(self) -> bool {
        !matches!(self, Self::Stop | Self::Cont)
    }

    fn raw(self) -> rustix::process::Signal {
        match self {
            Self::Term => rustix::process::Signal::TERM,
            Self::Int => rustix::process::Signal::INT,
            Self::Quit => rustix::process::Signal::QUIT,
            Self::Kill => rustix::process::Signal::KILL,
            Self::Stop => rustix::process::Signal::STOP,
            Self::Cont => rustix::process::Signal::CONT,
        }
    }
}

/// Sends `signal` to the process `pid`.
///
/// # Errors
/// When there is no such process or it is not ours to signal.
pub fn send(pid: u32, signal: Signal) -> io::Result<()> {
    Ok(kill_process(checked(pid)?, signal.raw())?)
}

/// Whether the process `pid` runs. One that has ended and waits to be collected by its parent
/// (a zombie) does not, though signals still reach it.
pub fn is_running(pid: u32) -> bool {
    let exists = checked(pid).is_ok_and(|pid| match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    });
    exists && !is_zombie(pid)
}

fn checked(pid: u32) -> io::Result<Pid> {
    // Zero and negative numbers address whole groups.
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no pid: {pid}")))
}

fn is_zombie(pid: u32) -> bool {
    // Linux first: slim containers have no ps. The state follows the name's closing bracket.
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        return stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'));
    }
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output();
    state.is_ok_and(|output| output.stdout.trim_ascii_start().starts_with(b"Z"))
}

/// Whether the process `pid` runs the program `name`; a number alone may be a stranger's.
pub(crate) fn runs_program(pid: u32, name: &str) -> bool {
    if !is_running(pid) {
        return false;
    }
    let found = std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .ok()
        .or_else(|| {
            let output = Command::new("ps")
                .args(["-o", "comm=", "-p", &pid.to_string()])
                .output();
            output
                .ok()
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        });
    found.is_some_and(|found| found.trim().rsplit('/').next() == Some(name))
}

/// The direct children of `parent`.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let all = processes_of_linux().unwrap_or_else(processes_of_ps);
    all.into_iter()
        .filter(|(_, ppid)| *ppid == parent)
        .map(|(pid, _)| pid)
        .collect()
}

/// All processes with their parents, or None where there is no `/proc`.
fn processes_of_linux() -> Option<Vec<(u32, u32)>> {
    let parent_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may contain anything: the state, then the parent.
        stat.rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse::<u32>()
            .ok()
    };
    parent_of(std::process::id())?;
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Some(
        pids.filter_map(|pid| Some((pid, parent_of(pid)?)))
            .collect(),
    )
}

fn processes_of_ps() -> Vec<(u32, u32)> {
    let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else {
        return Vec::new();
    };
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(pair)
        .collect()
}
