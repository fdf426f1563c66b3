//! The fleet's Postgres and nats-server: its own, or those it was given.

use anyhow::Context as _;
use local_servers::{
    NatsServer, NatsSettings, PostgresServer, PostgresSettings, Reaper, ServerError,
};
use reqwest::Url;
use service_runtime::Secret;
use service_runtime::retry::Policy;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::{Home, STEADY};
use crate::exit::Failure;
use crate::fleet::{Endpoints, NatsProcess, PostgresProcess};
use crate::output;

/// The database in the fleet's own Postgres.
const DATABASE: &str = "florin";

/// Postgres as the fleet sees it.
#[derive(Debug)]
pub struct Database {
    /// The database, as its owner.
    pub url: Secret,
    /// The server, where it is the fleet's own.
    pub server: Option<PostgresServer>,
}

impl Database {
    /// Starts the fleet's own Postgres, or takes what is given.
    ///
    /// # Errors
    /// When it does not start, or the given one is out of reach.
    pub async fn start(
        home: &Home,
        given: Option<&Secret>,
        reaper: &Reaper,
    ) -> anyhow::Result<Self> {
        if let Some(url) = given {
            let connection = PgConnection::connect(url.expose()).await.map_err(|error| {
                Failure::out_of_reach(format!("the database {url} is out of reach: {error}"))
            })?;
            connection.close().await?;
            return Ok(Self {
                url: url.clone(),
                server: None,
            });
        }
        let mut settings = PostgresSettings::new(home.dir().join("postgres"));
        settings.log = home.log("postgres");
        let server = PostgresServer::start(settings, reaper).await?;
        create_database(&server.url("postgres")).await?;
        Ok(Self {
            url: Secret::new(server.url(DATABASE)),
            server: Some(server),
        })
    }

    /// The database as a service's role sees it.
    ///
    /// # Errors
    /// When the URL that was given has no host.
    pub fn url_as(&self, role: &str, password: &str) -> anyhow::Result<String> {
        let mut url =
            Url::parse(self.url.expose()).with_context(|| format!("{} is not a URL", self.url))?;
        url.set_username(role)
            .and_then(|()| url.set_password(Some(password)))
            .map_err(|()| Failure::usage(format!("{} has no host", self.url)))?;
        Ok(url.into())
    }
}

async fn create_database(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("cannot use the own Postgres")?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !exists {
        sqlx::raw_sql("CREATE DATABASE florin")
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// NATS as the fleet sees it.
#[derive(Debug)]
pub struct Bus {
    /// Its address.
    pub url: String,
    /// The server, where it is the fleet's own.
    pub server: Option<NatsServer>,
}

impl Bus {
    /// Starts the fleet's own nats-server, or takes what is given.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(home: &Home, given: Option<&str>, reaper: &Reaper) -> anyhow::Result<Self> {
        if let Some(url) = given {
            return Ok(Self {
                url: url.to_owned(),
                server: None,
            });
        }
        let mut settings = NatsSettings::new(home.dir().join("nats"));
        settings.log = home.log("nats-server");
        let server = NatsServer::start(settings, reaper).await?;
        Ok(Self {
            url: server.url(),
            server: Some(server),
        })
    }
}

/// What the supervisor does with a server of the fleet's own.
pub trait OwnServer: Send + 'static {
    /// The program's name.
    const NAME: &'static str;
    /// Waits until it ends, by whatever cause.
    async fn exited(&mut self) -> std::process::ExitStatus;
    /// Starts it again on the same data and port.
    async fn restart(&mut self) -> Result<(), ServerError>;
    /// Stops it cleanly.
    async fn stop(&mut self) -> Result<(), ServerError>;
    /// Writes down where it is.
    fn note(&self, endpoints: &mut Endpoints);
}

impl OwnServer for PostgresServer {
    const NAME: &'static str = "postgres";

    async fn exited(&mut self) -> std::process::ExitStatus {
        Self::exited(self).await
    }

    async fn restart(&mut self) -> Result<(), ServerError> {
        Self::restart(self).await
    }

    async fn stop(&mut self) -> Result<(), ServerError> {
        Self::stop(self).await
    }

    fn note(&self, endpoints: &mut Endpoints) {
        let data = self.data_dir().to_owned();
        endpoints.servers.postgres = Some(PostgresProcess {
            pid: self.pid(),
            data,
        });
    }
}

impl OwnServer for NatsServer {
    const NAME: &'static str = "nats-server";

    async fn exited(&mut self) -> std::process::ExitStatus {
        Self::exited(self).await
    }

    async fn restart(&mut self) -> Result<(), ServerError> {
        Self::restart(self).await
    }

    async fn stop(&mut self) -> Result<(), ServerError> {
        Self::stop(self).await
    }

    fn note(&self, endpoints: &mut Endpoints) {
        let store = self.store_dir().to_owned();
        endpoints.servers.nats = Some(NatsProcess {
            pid: self.pid(),
            store,
        });
    }
}

/// Restarts the server whenever it ends, until `stop`; then stops it.
pub async fn keep<S: OwnServer>(mut server: S, board: Board, stop: CancellationToken) {
    let mut delays = Policy::FOR_EVER.delays();
    loop {
        let began = Instant::now();
        let status = tokio::select! {
            status = server.exited() => status,
            () = stop.cancelled() => break,
        };
        if began.elapsed() > STEADY {
            delays.reset();
        }
        output::note(format_args!(
            "florin: {} ended ({status}), restarting it",
            S::NAME
        ));
        let restarted = tokio::select! {
            () = restart(&mut server, &mut delays) => true,
            () = stop.cancelled() => false,
        };
        if !restarted {
            break;
        }
        board.update(|endpoints| server.note(endpoints));
        output::note(format_args!("florin: {} is back", S::NAME));
    }
    if let Err(error) = server.stop().await {
        // The reaper ends it.
        output::note(format_args!("florin: {error}"));
    }
}

async fn restart<S: OwnServer>(server: &mut S, delays: &mut service_runtime::retry::Delays) {
    // The policy never gives up: without its servers there is no fleet.
    while delays.wait().await {
        match server.restart().await {
            Ok(()) => return,
            Err(error) => output::note(format_args!("florin: {error}")),
        }
    }
}
