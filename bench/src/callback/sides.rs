//! Who is measured: the programs, how they are started, and the bare insert.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use model::id::GatewayId;
use secrecy::ExposeSecret;
use services::testing::{Someone, World};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};

use super::Options;
use crate::measure::{percentile, plain};

/// Clients of pgbench: the peers' pools keep theirs open, and this Postgres takes two hundred.
const CLIENTS_MAX: usize = 100;
/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Side {
    Belfry,
    Fastify,
    Express,
    Fastapi,
    Pgbench,
}

impl Side {
    pub const ALL: [Self; 5] = [Self::Pgbench, Self::Belfry, Self::Fastify, Self::Express, Self::Fastapi];

    pub fn name(self) -> &'static str {
        match self {
            Self::Belfry => "belfry",
            Self::Fastify => "fastify",
            Self::Express => "express",
            Self::Fastapi => "fastapi",
            Self::Pgbench => "pgbench",
        }
    }
}

/// A program that listens; it ends with this value.
pub struct Running {
    pub side: Side,
    pub port: u16,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A parent of several processes takes them along when it is asked, not when it is killed.
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        if asked.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Starts everybody; idle ones cost nothing.
pub async fn start(world: &World, acme: &Someone, gateway: GatewayId, token: &str, options: &Options) -> Result<Vec<Running>> {
    let mut running = vec![belfry(world, &options.belfry).await?];
    for side in [Side::Fastify, Side::Express, Side::Fastapi] {
        let port = free_port().await?;
        let mut command = match side {
            Side::Fastapi => {
                let mut uvicorn = Command::new(&options.python);
                uvicorn.args(["-m", "uvicorn", "fastapi_callback:app", "--host", "127.0.0.1", "--loop", "uvloop"]);
                uvicorn.args(["--http", "httptools", "--no-access-log", "--log-level", "error", "--port", &port.to_string()]);
                uvicorn.args(["--workers", &options.workers.to_string()]);
                uvicorn
            }
            _ => {
                let mut node = Command::new("node");
                node.arg(format!("{}.mjs", side.name())).env("NODE_ENV", "production");
                node
            }
        };
        command.current_dir(&options.peers).env("PORT", port.to_string()).env("WORKERS", options.workers.to_string());
        command.env("DATABASE_URL", plain(world.db.config().system_database_url.expose_secret()));
        command.env("AUTH_TOKEN", token).env("PUBLIC_URL", &world.db.config().public_url);
        command.env("COMPANY", acme.company.uuid().to_string()).env("GATEWAY", gateway.uuid().to_string());
        running.push(started(side, port, command).await?);
    }
    Ok(running)
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

async fn started(side: Side, port: u16, mut command: Command) -> Result<Running> {
    let child = command.stdout(Stdio::null()).spawn().with_context(|| format!("cannot start {}", side.name()))?;
    let mut running = Running { side, port, child };
    listens(&mut running).await?;
    Ok(running)
}

/// The server alone: applying callbacks is a worker's, and no peer does it.
pub async fn belfry(world: &World, program: &Path) -> Result<Running> {
    let (config, port) = (world.db.config(), free_port().await?);
    let mut belfry = Command::new(program);
    belfry.args(["serve", "--no-worker"]).env("RUST_LOG", "warn").env("ADDR", format!("127.0.0.1:{port}"));
    belfry.env("APP_DATABASE_URL", config.app_database_url.expose_secret());
    belfry.env("SYSTEM_DATABASE_URL", config.system_database_url.expose_secret());
    belfry.env("PUBLIC_URL", &config.public_url).env("SECRET_KEY", config.secret_key.expose_secret());
    belfry.env("SANDBOX_URL", &config.sandbox_url).env("SANDBOX_SECRET", config.sandbox_secret.expose_secret());
    belfry.env("SITE_ROOT", &config.site_root).env("DATA_DIR", &config.data_dir);
    started(Side::Belfry, port, belfry).await
}

async fn listens(running: &mut Running) -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", running.port)).await.is_err() {
        let ended = running.child.try_wait()?;
        ensure!(ended.is_none(), "{} ended before it listened: {ended:?}", running.side.name());
        ensure!(started.elapsed() < START, "{} does not listen", running.side.name());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The same row into the same table by as many clients, prepared, one statement and one commit each: how many, in how many
/// seconds, and the sorted times in milliseconds.
pub fn pgbench(
    owner: &PgConnectOptions,
    acme: &Someone,
    gateway: GatewayId,
    body: &str,
    clients: usize,
    time: Duration,
) -> Result<(usize, f64, Vec<f64>)> {
    let folder = std::env::temp_dir().join(format!("belfry-pgbench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let sql = format!(
        "\\set a random(1, 1000000000000000)\n\\set b random(1, 1000000000000000)\n\
         insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at) values ('{}',\
         (lpad(to_hex(:a::bigint), 16, '0') || lpad(to_hex(:b::bigint), 16, '0'))::uuid, '{}', 'CA' || lpad(to_hex(:a::bigint), 32, '0') || '{}', '{}',\
         '{body}'::bytea, clock_timestamp()) on conflict on constraint inbox_once do nothing;\n",
        acme.company.uuid(),
        gateway.uuid(),
        "-3-completed", // a colon would begin one of pgbench's variables
        "http://belfry.test/hooks/twilio/gtw_00000000000000000000000000?call=cal_00000000000000000000000000",
    );
    let script = folder.join("insert.sql");
    std::fs::write(&script, sql)?;
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-l", "-T", &time.as_secs().to_string()])
        .args(["-c", &clients.min(CLIENTS_MAX).to_string()])
        .arg("--log-prefix=times")
        .arg("-f")
        .arg(&script)
        .arg(plain(owner.to_url_lossy().as_ref()))
        .current_dir(&folder)
        .output()
        .context("pgbench is not installed")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "pgbench: {said} {}", String::from_utf8_lossy(&output.stderr));
    let mut times = Vec::new();
    for file in std::fs::read_dir(&folder)? {
        let path = file?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("times")) {
            let text = std::fs::read_to_string(path)?;
            times.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()).map(|us| us / 1e3));
        }
    }
    std::fs::remove_dir_all(&folder)?;
    times.sort_by(f64::total_cmp);
    ensure!(percentile(&times, 0.5) > 0.0, "pgbench measured nothing: {said}");
    let rate: f64 = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("pgbench said {said}"))?;
    Ok((times.len(), times.len() as f64 / rate, times))
}
