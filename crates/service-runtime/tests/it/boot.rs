//! A real process from start to exit.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn idle() -> Command {
    // Cargo builds a package's examples with its tests: target/debug/{deps,examples}.
    let mut path: PathBuf = std::env::current_exe().expect("a test runs from somewhere");
    path.pop();
    path.pop();
    path.push("examples/idle");
    let mut command = Command::new(path);
    command
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command.args(["--database-url", "postgres://ann:s3cret@nowhere/florin"]);
    command
}

/// Starts it and waits for the line that tells its admin address.
async fn start(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    let mut child = command
        .spawn()
        .expect("the example is built with the tests");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = next_line(&mut lines).await.expect("it says something");
    let line: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
    assert_eq!(line["service"], "idle");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "service_runtime::boot");
    assert_eq!(line["message"], "Starting idle");
    let admin = line["fields"]["admin"]
        .as_str()
        .expect("an address")
        .to_owned();
    (child, lines, admin)
}

async fn next_line(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    timeout(PATIENCE, lines.next_line())
        .await
        .expect("in time")
        .expect("reads")
}

async fn status(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).await.expect("listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("asks");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers");
    answer.lines().next().unwrap_or_default().to_owned()
}

async fn exit_code(child: &mut Child) -> Option<i32> {
    timeout(PATIENCE, child.wait())
        .await
        .expect("it does not linger")
        .expect("ends")
        .code()
}

#[tokio::test]
async fn a_service_starts_is_ready_and_stops_when_asked() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, mut lines, admin) = start(&mut idle()).await;
        testkit::eventually("it is ready", PATIENCE, async || {
            let status = status(&admin, "/readyz").await;
            if status.contains("200") {
                Ok(())
            } else {
                Err(status)
            }
        })
        .await;
        assert!(status(&admin, "/metrics").await.contains("200"));
        let pid = child.id().expect("it runs").to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .await
            .expect("kill runs");
        assert!(sent.success());
        assert_eq!(exit_code(&mut child).await, Some(0));
        let mut last = String::new();
        while let Some(line) = next_line(&mut lines).await {
            last = line;
        }
        assert!(last.contains("Stopped"), "{last}");
    }
}

#[tokio::test]
async fn a_service_whose_task_fails_exits_with_an_error() {
    let (mut child, mut lines, _) = start(idle().arg("--fail")).await;
    assert_eq!(exit_code(&mut child).await, Some(1));
    let mut failures = 0;
    while let Some(line) = next_line(&mut lines).await {
        failures += u32::from(line.contains("told to fail"));
    }
    assert_eq!(failures, 1, "a failure is logged once");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let (_first, _lines, admin) = start(&mut idle()).await;
    let mut second = idle().args(["--admin", &admin]).spawn().expect("starts");
    assert_eq!(exit_code(&mut second).await, Some(1));
}

#[tokio::test]
async fn settings_are_shown_without_the_password() {
    let output = idle().arg("--print-config").output().await.expect("runs");
    assert_eq!(output.status.code(), Some(0));
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(
        shown.contains("postgres://ann:***@nowhere/florin"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret"), "{shown}");
    let usage = idle()
        .arg("--no-such-flag")
        .stderr(Stdio::null())
        .status()
        .await
        .expect("runs");
    assert_eq!(usage.code(), Some(2));
}
