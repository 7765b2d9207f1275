//! A Postgres of our own: found, initialised, started, stopped, and the URLs to reach it.
//!
//! Order: `DATABASE_URL` (then nothing is started) · the system's binaries · the npm package's binaries · apt-get as root.
//! Postgres refuses to run as root, so as root everything here runs as `nobody`. finding.rs knows where binaries come from.

mod finding;
mod url;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::tools::{Paths, env, free_port, hash_bytes, is_root, output, port_is_free, secret, write_private};
use finding::Binaries;

/// uid and gid of `nobody`, which exists on every Linux and owns nothing.
const NOBODY: u32 = 65534;
const DATABASE: &str = "belfry";
const START_SECONDS_MAX: &str = "60";

/// Durability is off: this cluster holds demo and test data. A crash of the process loses nothing, one of the machine may.
const CONFIG: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''   # a socket path may have 107 bytes, a checkout path more
max_connections = 200
shared_buffers = 256MB
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
";

/// What a benchmark of durable work needs: settings as in production, on this small machine.
const DURABLE: &str = "
fsync = on
full_page_writes = on
synchronous_commit = on
max_wal_size = 4GB
";

/// A reachable server. Dropping it stops the server if this value started it.
pub struct Cluster {
    admin: String,
    password: String,
    server: Option<Server>,
    stop_on_drop: bool,
    /// The product's database on this server.
    database: String,
    /// Held as long as a scratch cluster is used; released when the file is closed.
    _turn: Option<File>,
}

struct Server {
    binaries: Binaries,
    data: PathBuf,
}

impl Cluster {
    /// The cluster for development and tests; started unless it runs.
    pub fn dev(paths: &Paths) -> Result<Self> {
        Self::named(paths, "pg")
    }

    /// A new, empty cluster for one end-to-end run: a clean database, and a Postgres that a test may kill.
    pub fn scratch(paths: &Paths) -> Result<Self> {
        let turn = lock(paths, "scratch")?;
        if given_url(paths)?.is_none() {
            let (state, binaries) = (state_dir(paths)?, finding::find(paths)?);
            let server = Server { data: state.join(format!("scratch-{}", binaries.major)), binaries };
            server.remove()?;
        }
        let mut cluster = Self::named(paths, "scratch")?;
        cluster._turn = Some(turn);
        if cluster.is_foreign() {
            // the user's own server: a database of this run, which stays there afterwards
            cluster.database = format!("{DATABASE}_e2e_{}", std::process::id());
        }
        Ok(cluster)
    }

    /// A cluster that loses nothing, for benchmarks; kept between runs.
    pub fn durable(paths: &Paths) -> Result<Self> {
        let turn = lock(paths, "durable")?;
        let mut cluster = Self::named(paths, "durable")?;
        cluster._turn = Some(turn);
        cluster.lose_nothing()?;
        Ok(cluster)
    }

    fn named(paths: &Paths, name: &str) -> Result<Self> {
        let mut password = secret(&paths.data().join("db-password"))?;
        if let Some(admin) = given_url(paths)? {
            // a server that outlives this checkout knows the password of the checkout that made its roles
            password = env("BELFRY_DB_PASSWORD").unwrap_or(password);
            return Ok(Self { admin, password, server: None, stop_on_drop: false, database: DATABASE.into(), _turn: None });
        }
        let _one_at_a_time = lock(paths, "pg")?;
        let binaries = finding::find(paths)?;
        let admin_password = secret(&paths.data().join("db-admin-password"))?;
        let data = state_dir(paths)?.join(format!("{name}-{}", binaries.major));
        let server = Server { binaries, data };
        server.init(&admin_password, &password)?;
        let (port, stop_on_drop) = match server.running_port() {
            Some(port) => (port, false),
            None => (server.start()?, true),
        };
        let admin = format!("postgres://postgres:{admin_password}@127.0.0.1:{port}/postgres");
        Ok(Self { admin, password, server: Some(server), stop_on_drop, database: DATABASE.into(), _turn: None })
    }

    /// Is it a server of the user, whose roles only `belfry migrate` can make?
    pub fn is_foreign(&self) -> bool {
        self.server.is_none()
    }

    pub fn leave_running(&mut self) {
        self.stop_on_drop = false;
    }

    /// The product's database, as this login.
    pub fn url(&self, user: &str) -> Result<String> {
        url::with(&self.admin, user, &self.password, &self.database)
    }

    /// Everything `belfry` and the tests need to know about this cluster.
    pub fn env(&self) -> Result<Vec<(&'static str, String)>> {
        let owner = self.url("belfry_owner")?;
        Ok(vec![
            ("ADMIN_DATABASE_URL", self.admin.clone()),
            ("BELFRY_DB_PASSWORD", self.password.clone()),
            ("TEST_DATABASE_URL", owner.clone()),
            ("DATABASE_URL", owner),
            ("APP_DATABASE_URL", self.url("belfry_app")?),
            ("SYSTEM_DATABASE_URL", self.url("belfry_system")?),
        ])
    }

    /// Survives a stop without a goodbye, as in production.
    pub fn lose_nothing(&self) -> Result<()> {
        self.server.as_ref().map_or(Ok(()), Server::make_durable)
    }

    /// What a script needs to restart this server; an error when it is the user's own.
    pub fn hands_on(&self) -> Result<Vec<(&'static str, String)>> {
        let server = self.server.as_ref().context("DATABASE_URL is set: that server is not ours to restart")?;
        let mut env = vec![
            ("PG_CTL", server.binaries.dir.join("pg_ctl").display().to_string()),
            ("PG_DATA", server.data.display().to_string()),
        ];
        if is_root() {
            env.push(("PG_UID", NOBODY.to_string()));
        }
        Ok(env)
    }

    pub fn describe(&self) -> String {
        match &self.server {
            Some(server) => format!("Postgres {} from {}", server.binaries.major, server.binaries.dir.display()),
            None => "Postgres given by DATABASE_URL".into(),
        }
    }
}

/// Stops the development cluster, whoever started it.
pub fn stop(paths: &Paths) -> Result<()> {
    if given_url(paths)?.is_some() {
        bail!("DATABASE_URL is set: that server is not ours to stop");
    }
    let binaries = finding::find(paths)?;
    let data = state_dir(paths)?.join(format!("pg-{}", binaries.major));
    Server { binaries, data }.stop()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.stop_on_drop
            && let Some(server) = &self.server
            && let Err(error) = server.stop()
        {
            eprintln!("Postgres did not stop: {error:#}");
        }
    }
}

/// Which roles a cluster has: its marker says so. Changes with [`roles`].
const ROLES: &str = "2";

/// The same roles as the cluster step of `belfry migrate`, which finds them made; here, so that tests run before it does.
fn roles(password: &str) -> String {
    let login = format!("noinherit password '{password}'");
    let owner = format!("createdb password '{password}'");
    let made = [
        ("company", "nologin"),
        ("assigned", "nologin"),
        ("system", "nologin"),
        ("belfry_owner", &format!("login {owner}")),
        ("belfry_app", &format!("login {login}")),
        ("belfry_system", &format!("login {login}")),
    ];
    let create = made.map(|(role, how)| {
        format!("do $do$ begin create role {role} {how}; exception when duplicate_object then null; end $do$\n")
    });
    create.concat()
        + "grant company to assigned\n\
           grant company, assigned to belfry_app\n\
           grant system to belfry_system, belfry_owner\n\
           grant pg_signal_backend to belfry_owner\n"
}

impl Server {
    /// initdb, our configuration, and the roles every test expects. Half-made folders (no marker) are made again; one that was
    /// made before there was a role gets it.
    fn init(&self, admin_password: &str, password: &str) -> Result<()> {
        let marker = self.data.with_extension("ready");
        if marker.exists() && self.data.join("PG_VERSION").exists() {
            if fs::read_to_string(&marker)? != ROLES {
                if self.running_port().is_some() {
                    self.stop()?;
                }
                self.single_user(&roles(password))?;
                fs::write(marker, ROLES)?;
            }
            return Ok(());
        }
        self.remove()?;
        fs::create_dir_all(&self.data)?;
        fs::set_permissions(&self.data, fs::Permissions::from_mode(0o700))?;
        let password_file = self.data.with_extension("pw");
        write_private(&password_file, admin_password)?;
        if is_root() {
            chown(&self.data, Some(NOBODY), Some(NOBODY))?;
            chown(&password_file, Some(NOBODY), Some(NOBODY))?;
        }
        let made = output(
            self.program("initdb")
                .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
                .arg(format!("--pwfile={}", password_file.display()))
                .arg("-D")
                .arg(&self.data),
        );
        fs::remove_file(&password_file)?;
        made?;
        File::options().append(true).open(self.data.join("postgresql.conf"))?.write_all(CONFIG.as_bytes())?;
        self.single_user(&(roles(password) + &format!("create database {DATABASE} owner belfry_owner\n")))?;
        fs::write(marker, ROLES)?;
        Ok(())
    }

    /// Later settings win, so appending them once is enough; all of them are taken over by a reload.
    fn make_durable(&self) -> Result<()> {
        let file = self.data.join("postgresql.conf");
        if !fs::read_to_string(&file)?.contains(DURABLE) {
            File::options().append(true).open(file)?.write_all(DURABLE.as_bytes())?;
        }
        output(self.program("pg_ctl").arg("-D").arg(&self.data).arg("reload"))?;
        Ok(())
    }

    /// In single-user mode, because the npm package has no psql. One statement per line.
    fn single_user(&self, statements: &str) -> Result<()> {
        let mut single = self.program("postgres");
        single.args(["--single", "-D"]).arg(&self.data).arg("postgres");
        let mut child = single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("stdin was piped")?.write_all(statements.as_bytes())?;
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        if !done.status.success() || said.contains("ERROR") || said.contains("FATAL") {
            bail!("creating roles failed:\n{said}");
        }
        Ok(())
    }

    /// Starts on the port used last time if it is still free.
    fn start(&self) -> Result<u16> {
        let port_file = self.data.with_extension("port");
        let before = fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse().ok());
        let port = match before {
            Some(port) if port_is_free(port) => port,
            _ => free_port()?,
        };
        output(self.program("pg_ctl").arg("-D").arg(&self.data).arg("-l").arg(self.data.join("server.log")).args([
            "-w",
            "-t",
            START_SECONDS_MAX,
            "-o",
            &format!("-p {port}"),
            "start",
        ]))
        .with_context(|| format!("the log is {}", self.data.join("server.log").display()))?;
        fs::write(port_file, port.to_string())?;
        Ok(port)
    }

    fn stop(&self) -> Result<()> {
        if self.running_port().is_some() {
            output(self.program("pg_ctl").arg("-D").arg(&self.data).args(["-w", "-m", "fast", "stop"]))?;
        }
        Ok(())
    }

    fn running_port(&self) -> Option<u16> {
        output(self.program("pg_ctl").arg("-D").arg(&self.data).arg("status")).ok()?;
        // line 4 of postmaster.pid is the port
        fs::read_to_string(self.data.join("postmaster.pid")).ok()?.lines().nth(3)?.trim().parse().ok()
    }

    fn remove(&self) -> Result<()> {
        if self.data.exists() {
            self.stop().ok();
            fs::remove_dir_all(&self.data)?;
        }
        Ok(())
    }

    /// A Postgres program, as `nobody` when we are root, in a folder that anybody may enter.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.dir.join(name));
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

/// The user's own server. A URL that holds our password came from `cargo xtask db env` and means our own cluster.
fn given_url(paths: &Paths) -> Result<Option<String>> {
    let ours = secret(&paths.data().join("db-password"))?;
    Ok(env("DATABASE_URL").filter(|url| !url.contains(&ours)))
}

/// Where clusters live: `.data`, or a folder under /tmp when `nobody` could not reach it (a checkout below a 0700 home).
fn state_dir(paths: &Paths) -> Result<PathBuf> {
    let dir = paths.data();
    fs::create_dir_all(&dir)?;
    if !is_root() || traversable(&dir) {
        return Ok(dir);
    }
    let elsewhere = tmp_dir(paths);
    fs::create_dir_all(&elsewhere)?;
    Ok(elsewhere)
}

fn tmp_dir(paths: &Paths) -> PathBuf {
    std::env::temp_dir().join(format!("belfry-pg-{:016x}", hash_bytes(paths.root.to_string_lossy().as_bytes())))
}

/// May anybody pass through every folder of this path?
fn traversable(path: &Path) -> bool {
    path.ancestors().all(|dir| fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0))
}

/// Waits for other xtasks of this checkout; the lock ends with the file.
fn lock(paths: &Paths, name: &str) -> Result<File> {
    let dir = paths.data();
    fs::create_dir_all(&dir)?;
    let file = File::create(dir.join(format!("{name}.lock")))?;
    file.lock()?;
    Ok(file)
}
