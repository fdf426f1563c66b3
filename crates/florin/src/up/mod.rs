//! `florin up`: a private Postgres and nats-server, one process per service, and somebody who
//! restarts what dies. Ctrl-C stops everything; when this process is killed, the reaper does.

mod board;
mod home;
mod servers;
mod service;
mod signals;
mod welcome;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use contracts::topology::Topology;
use futures_util::future::try_join_all;
use indicatif::ProgressBar;
use local_servers::Reaper;
use service_runtime::Secret;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use home::Home;
pub use signals::Signals;

use self::board::Board;
use self::servers::{Bus, Database, OwnServer};
use self::service::{Plan, Service};
use self::welcome::welcome;
use crate::exit::{Code, Failure};
use crate::fleet::{DEFAULT_DIR, Endpoints, Fleet, Servers};
use crate::{migrate, output, token, topology};

/// Who lives this long begins with short delays again when it dies.
const STEADY: Duration = Duration::from_mins(1);

/// Starts a fleet.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the fleet keeps its data, keys and logs.
    #[arg(long, env = "FLORIN_DATA", default_value = DEFAULT_DIR, value_name = "DIR")]
    pub data: PathBuf,

    /// Where the HTTP API listens; port 0 takes a free one.
    #[arg(
        long,
        env = "FLORIN_HTTP",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub http: SocketAddr,

    /// A Postgres database to use instead of a private one, as its owner.
    #[arg(
        long,
        env = "FLORIN_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<Secret>,

    /// A NATS server to use instead of a private one.
    #[arg(
        long,
        env = "FLORIN_NATS_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub nats_url: Option<String>,

    /// Goes before every stream name and subject, so that fleets can share a NATS server.
    #[arg(long, env = "FLORIN_PREFIX", default_value = "")]
    pub prefix: String,

    /// Processes of the HTTP ledger; all but the first listen on free ports.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16), value_name = "N")]
    pub ledger_api: u16,

    /// Processes of the statistics worker.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16), value_name = "N")]
    pub analytics_worker: u16,

    /// Processes of the fraud worker.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16), value_name = "N")]
    pub fraud_worker: u16,

    /// Processes of the settlement worker.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16), value_name = "N")]
    pub settlement_worker: u16,
}

/// Runs a fleet until it is told to stop.
///
/// # Errors
/// When it does not start.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let mut signals = Signals::listen()?;
    let reaper = Reaper::start()?;
    let progress = output::spinner("Starting the fleet");
    let started = tokio::select! {
        started = Up::start(&args, &reaper, &progress) => started,
        () = signals.next() => {
            progress.finish_and_clear();
            output::note("florin: stopped before the fleet was up");
            reaper.finish().await?;
            return Ok(Code::Done);
        }
    };
    progress.finish_and_clear();
    let up = match started {
        Ok(up) => up,
        Err(error) => {
            reaper.finish().await?;
            return Err(error);
        }
    };
    output::note(welcome(up.fleet(), &args));
    signals.next().await;
    output::note("florin: stopping (Ctrl-C again to hurry)");
    end(up, &mut signals, &reaper).await?;
    Ok(Code::Done)
}

/// Stops the fleet in good order, or at once when told a second time.
pub(crate) async fn end(up: Up, signals: &mut Signals, reaper: &Reaper) -> anyhow::Result<()> {
    let hurry = up.hurry();
    let mut stopping = Box::pin(up.stop());
    tokio::select! {
        () = &mut stopping => {}
        () = signals.insist() => {
            hurry.iter().for_each(CancellationToken::cancel);
            reaper.finish().await?;
            stopping.await;
        }
    }
    Ok(reaper.finish().await?)
}

/// A running fleet and those who watch over it.
#[derive(Debug)]
pub struct Up {
    fleet: Fleet,
    board: Board,
    services: Watch,
    bus: Watch,
    database: Watch,
    // Last, so that nobody else takes the directory before all has ended.
    _home: Home,
}

impl Up {
    /// Starts everything and waits until it is ready. When the future is dropped, so is all that
    /// it has started.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(
        args: &Args,
        reaper: &Reaper,
        progress: &ProgressBar,
    ) -> anyhow::Result<Self> {
        Self::start_after(args, reaper, progress, async |_| Ok(())).await
    }

    /// The same, and before any service starts, something is done to the database, whose URL as
    /// its owner is given.
    ///
    /// # Errors
    /// When something does not start, or that is not done.
    pub async fn start_after(
        args: &Args,
        reaper: &Reaper,
        progress: &ProgressBar,
        prepare: impl AsyncFnOnce(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let home = Home::take(&args.data).await?;
        check_free(args.http)?;
        token::ensure_keys(home.dir())?;

        progress.set_message("Starting Postgres and nats-server");
        let (database, bus) = tokio::try_join!(
            Database::start(&home, args.database_url.as_ref(), reaper),
            Bus::start(&home, args.nats_url.as_deref(), reaper),
        )?;

        progress.set_message("Creating tables and streams");
        let passwords = home.passwords(&migrate::roles())?;
        let topology = Topology::with_prefix(&args.prefix);
        tokio::try_join!(
            migrate::all(&database.url, |role| passwords
                .get(role)
                .map(String::as_str)),
            topology::apply(&bus.url, &topology),
        )?;

        prepare(database.url.expose()).await?;

        progress.set_message("Starting the services");
        let plans = plans(args, &home, &database, &bus, &|role| &passwords[role])?;
        let services = try_join_all(plans.iter().map(|plan| plan.start(reaper))).await?;

        let endpoints = endpoints(args, &services, &database, &bus)?;
        Self::watch(home, endpoints, services, bus, database)
    }

    /// Says where everything is and restarts it from now on.
    fn watch(
        home: Home,
        endpoints: Endpoints,
        running: Vec<Service>,
        bus: Bus,
        database: Database,
    ) -> anyhow::Result<Self> {
        let fleet = Fleet {
            dir: home.dir().to_owned(),
            endpoints: endpoints.clone(),
        };
        let board = Board::new(home.endpoints(), endpoints);
        board.publish()?;
        let mut up = Self {
            fleet,
            board,
            services: Watch::default(),
            bus: Watch::default(),
            database: Watch::default(),
            _home: home,
        };
        for service in running {
            up.services.add(|stop| service.keep(up.board.clone(), stop));
        }
        if let Some(server) = bus.server {
            up.bus.add_server(server, &up.board);
        }
        if let Some(server) = database.server {
            up.database.add_server(server, &up.board);
        }
        Ok(up)
    }

    /// Where everything was when it started; addresses stay, process ids may not.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Cancelled, nobody restarts anything any more, whatever ends.
    fn hurry(&self) -> [CancellationToken; 3] {
        [&self.services, &self.bus, &self.database].map(|watch| watch.stop.clone())
    }

    /// Stops the services, then what they need.
    pub async fn stop(self) {
        self.board.remove();
        self.services.stop().await;
        self.bus.stop().await;
        self.database.stop().await;
    }
}

/// Tasks that watch over processes, and how to end them.
#[derive(Debug, Default)]
struct Watch {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Watch {
    fn add<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.stop.clone()));
    }

    /// On a thread of its own: the compiler cannot prove that a server's futures are `Send`.
    fn add_server<S: OwnServer>(&mut self, server: S, board: &Board) {
        let (stop, board, runtime) = (self.stop.clone(), board.clone(), Handle::current());
        self.tasks
            .spawn_blocking(move || runtime.block_on(servers::keep(server, board, stop)));
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                output::note(format_args!("florin: a supervisor failed: {error}"));
            }
        }
    }
}

fn endpoints(
    args: &Args,
    services: &[Service],
    database: &Database,
    bus: &Bus,
) -> anyhow::Result<Endpoints> {
    let services: BTreeMap<_, _> = services
        .iter()
        .map(|service| (service.name().to_owned(), service.entry()))
        .collect();
    let first = services.get("ledger-api");
    let mut endpoints = Endpoints {
        http: first
            .and_then(|ledger| ledger.http.clone())
            .context("no HTTP API")?,
        nats: bus.url.clone(),
        postgres: database.url.expose().to_owned(),
        prefix: args.prefix.clone(),
        services,
        servers: Servers::default(),
    };
    if let Some(server) = &database.server {
        server.note(&mut endpoints);
    }
    if let Some(server) = &bus.server {
        server.note(&mut endpoints);
    }
    Ok(endpoints)
}

/// Says that the port is taken before half a fleet is up.
fn check_free(http: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(http).map(drop).map_err(|error| {
        let words = format!("cannot listen on {http} ({error}): give another address with --http, port 0 takes a free one");
        Failure::usage(words).into()
    })
}

fn plans<'a>(
    args: &Args,
    home: &Home,
    database: &Database,
    bus: &Bus,
    password: &dyn Fn(&str) -> &'a String,
) -> anyhow::Result<Vec<Plan>> {
    let public_key = home.dir().join(token::PUBLIC_KEY).display().to_string();
    let mut plans = Vec::new();
    for number in 1..=args.ledger_api {
        let mut plan = plan("ledger-api", number, args, home, bus);
        let url = database.url_as(ledger_api::PART.role, password(ledger_api::PART.role))?;
        plan.environment.push(("FLORIN_DATABASE_URL", url));
        plan.environment
            .push(("FLORIN_JWT_PUBLIC_KEY", public_key.clone()));
        let further = SocketAddr::new(args.http.ip(), 0);
        plan.http = Some(if number == 1 { args.http } else { further });
        plans.push(plan);
    }
    let workers = [
        (
            "analytics-worker",
            analytics_worker::PART.role,
            args.analytics_worker,
        ),
        ("fraud-worker", fraud_worker::PART.role, args.fraud_worker),
        (
            "settlement-worker",
            settlement_worker::PART.role,
            args.settlement_worker,
        ),
    ];
    for (worker, role, processes) in workers {
        for number in 1..=processes {
            let mut plan = plan(worker, number, args, home, bus);
            let url = database.url_as(role, password(role))?;
            plan.environment.push(("FLORIN_DATABASE_URL", url));
            plans.push(plan);
        }
    }
    Ok(plans)
}

fn plan(service: &'static str, number: u16, args: &Args, home: &Home, bus: &Bus) -> Plan {
    let name = if number == 1 {
        service.to_owned()
    } else {
        format!("{service}-{number}")
    };
    Plan {
        log: home.log(&name),
        name,
        service,
        environment: vec![
            ("FLORIN_NATS_URL", bus.url.clone()),
            ("FLORIN_PREFIX", args.prefix.clone()),
        ],
        http: None,
    }
}

/// How other commands find the fleet.
pub(crate) fn data_flag(data: &Path) -> String {
    if data == Path::new(DEFAULT_DIR) {
        String::new()
    } else {
        format!(" --data {}", data.display())
    }
}
