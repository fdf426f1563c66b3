//! The processes of a fleet, and the end of them.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use local_servers::{Reaper, Signal};
use testkit::eventually;

use super::Endpoints;

/// A new Postgres, migrations and every service, in debug, while other tests use both cores.
const START: Duration = Duration::from_mins(2);
/// What `florin up` says, beside the logs of its children.
const OUTPUT: &str = "up.txt";
/// Lines of each log that a failed test shows.
const TAIL_LINES: usize = 40;

/// The command under test, without the settings of whoever runs the tests.
pub fn florin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_florin-under-test"));
    for (name, _) in std::env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with("FLORIN_"));
        if ours || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// A running `florin up`. The reaper ends it when this is dropped or the test binary dies; it
/// ends its children itself.
pub struct Running {
    pub dir: PathBuf,
    up: Mutex<Child>,
    up_pid: u32,
    _reaper: Reaper,
}

impl Running {
    /// Starts a fleet with these variables.
    pub async fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let reaper = Reaper::start().expect("there is a shell");
        let dir = directory();
        reaper.remove(&dir);
        let logs = TellLogs(dir.clone());
        let output = File::create(dir.join(OUTPUT)).expect("the directory takes a file");
        let up = florin()
            .args(["up", "--http", "127.0.0.1:0", "--data"])
            .arg(&dir)
            .args(arguments)
            .env("FLORIN_LOG", "info")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file has many handles"))
            .stderr(output)
            // Ctrl-C is for the test binary, whose end the reaper sees.
            .process_group(0)
            .spawn()
            .expect("florin starts");
        let up_pid = up.id();
        reaper.watch(up_pid, Signal::Term);
        let running = Self {
            dir,
            up: Mutex::new(up),
            up_pid,
            _reaper: reaper,
        };
        eventually("the fleet is up", START, async || {
            running.assert_alive();
            Endpoints::read(&running.dir)
        })
        .await;
        drop(logs);
        running
    }

    /// Where everything is right now. The file is replaced whole, but it is away for a moment
    /// when its owner restarts.
    pub fn endpoints(&self) -> Endpoints {
        self.assert_alive();
        Endpoints::read(&self.dir).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The supervisor itself.
    pub fn signal_up(&self, signal: Signal) {
        local_servers::send(self.up_pid, signal).expect("florin up takes signals");
    }

    fn assert_alive(&self) {
        let mut up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = up.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "florin up has ended: {ended:?}");
    }
}

/// A directory that the servers' account can enter also when we are root.
fn directory() -> PathBuf {
    let made = tempfile::Builder::new()
        .prefix("florin-system-")
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .expect("the temporary directory takes a directory");
    // The reaper removes it, after the servers are gone.
    made.keep()
        .canonicalize()
        .expect("a directory just made exists")
}

/// Shows the tails of a fleet's logs when a test fails.
pub struct TellLogs(pub PathBuf);

impl Drop for TellLogs {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut stderr = std::io::stderr().lock();
        for path in logs(&self.0) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            let _ = writeln!(stderr, "--- {}\n{tail}", path.display());
        }
    }
}

pub fn logs(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.join(OUTPUT)];
    let entries = fs::read_dir(dir.join("logs"))
        .into_iter()
        .flatten()
        .flatten();
    found.extend(
        entries
            .map(|entry| entry.path())
            .filter(|path| path.is_file()),
    );
    found.sort();
    found
}
