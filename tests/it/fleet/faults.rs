//! What the tests do to processes.

use std::time::Duration;

use local_servers::Signal;
use testkit::eventually;

use super::Fleet;

/// A dead child is back: found dead, waited for, started, ready.
const RESTART: Duration = Duration::from_mins(1);

impl Fleet {
    /// Kills a service and waits until its successor is ready.
    pub async fn kill_service(&self, name: &str) {
        let before = self.endpoints().service(name).pid;
        local_servers::send(before, Signal::Kill).expect("the service runs");
        eventually(&format!("{name} is back"), RESTART, async || {
            let service = self.endpoints().service(name).clone();
            if service.pid == before {
                return Err("the file still has the dead one".to_owned());
            }
            let ready = format!("http://{}/readyz", service.admin);
            let answer = self
                .http
                .get(ready)
                .send()
                .await
                .map_err(|error| format!("{error:?}"))?;
            if answer.status().is_success() {
                Ok(())
            } else {
                Err(answer.status().to_string())
            }
        })
        .await;
    }

    /// Signals a service.
    pub fn signal_service(&self, name: &str, signal: Signal) {
        local_servers::send(self.endpoints().service(name).pid, signal).expect("the service runs");
    }

    /// Kills Postgres and keeps it dead, by pausing whoever would restart it.
    pub async fn take_postgres_down(&self) {
        let postgres = self.endpoints().servers.postgres.pid;
        self.running.signal_up(Signal::Stop);
        local_servers::send(postgres, Signal::Kill).expect("Postgres runs");
        eventually("Postgres is dead", RESTART, async || {
            !local_servers::is_running(postgres)
        })
        .await;
    }

    /// Lets whoever restarts what is dead go on.
    pub fn resume(&self) {
        self.running.signal_up(Signal::Cont);
    }

    /// Kills nats-server and keeps it dead, by pausing whoever would restart it.
    pub async fn take_nats_down(&self) {
        let nats = self.endpoints().servers.nats.pid;
        self.running.signal_up(Signal::Stop);
        local_servers::send(nats, Signal::Kill).expect("nats-server runs");
        eventually("nats-server is dead", RESTART, async || {
            !local_servers::is_running(nats)
        })
        .await;
    }

    /// Lets nats-server be restarted, and waits until it answers.
    pub async fn bring_nats_back(&self) {
        let before = self.endpoints().servers.nats.pid;
        self.running.signal_up(Signal::Cont);
        eventually("nats-server is back", RESTART, async || {
            let nats = self.endpoints().servers.nats.pid;
            nats != before && async_nats::connect(self.endpoints().nats).await.is_ok()
        })
        .await;
    }

    /// Removes everything that the dead nats-server had stored.
    pub fn wipe_nats(&self) {
        let store = self.endpoints().servers.nats.store;
        let entries = std::fs::read_dir(&store).expect("the store can be listed");
        let paths: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        let folders: Vec<_> = paths.into_iter().filter(|path| path.is_dir()).collect();
        assert!(
            !folders.is_empty(),
            "there is nothing to wipe in {}",
            store.display()
        );
        for folder in folders {
            std::fs::remove_dir_all(folder).expect("a dead server's files can be removed");
        }
    }
}
