//! The whole product on this machine: its environment, its programs, and starting them in order.
//! `run`, `dev`, `e2e`, `kills` and `bench` are different uses of one `Stack`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    children::Server,
    postgres::Cluster,
    tools::{Paths, Profile, free_port, port_is_free, run, secret},
};

pub const SPEED_DEFAULT: u32 = 60;
const SANDBOX_PORT: u16 = 3010;
/// From which the sandbox's account tokens are derived. Not a secret: nobody can be called or billed through it.
const SANDBOX_SECRET: &str = "gremlin";

pub struct Stack<'a> {
    pub paths: &'a Paths,
    pub cluster: &'a Cluster,
    /// How the programs are built.
    pub profile: Profile,
    /// How the site they serve is built.
    pub site: Profile,
    pub port: u16,
    pub sandbox_port: u16,
    pub speed: u32,
    /// Where the journeys run a provider of identities, in place of Google's and LinkedIn's.
    pub issuer_port: Option<u16>,
    /// Folder for the logs of server and gremlin; without it they write to the terminal.
    pub logs: Option<std::path::PathBuf>,
}

/// Dropped in this order: the server first, so that its last requests still find the network.
pub struct Running {
    pub server: Server,
    pub gremlin: Server,
}

impl<'a> Stack<'a> {
    /// The development stack on its well-known port.
    pub fn dev(paths: &'a Paths, cluster: &'a Cluster, profile: Profile, port: u16, speed: u32) -> Result<Self> {
        ensure!(port_is_free(port), "port {port} is in use; stop what listens there or pass --port");
        let sandbox_port = if port_is_free(SANDBOX_PORT) { SANDBOX_PORT } else { free_port()? };
        Ok(Self { paths, cluster, profile, site: profile, port, sandbox_port, speed, issuer_port: None, logs: None })
    }

    /// A stack of its own on free ports, with its logs in a folder.
    pub fn scratch(paths: &'a Paths, cluster: &'a Cluster, profile: Profile, speed: u32, logs: &Path) -> Result<Self> {
        let (port, sandbox_port, issuer_port) = (free_port()?, free_port()?, Some(free_port()?));
        Ok(Self { paths, cluster, profile, site: profile, port, sandbox_port, speed, issuer_port, logs: Some(logs.to_owned()) })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn sandbox_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.sandbox_port)
    }

    /// What `belfry` reads. `LEPTOS_*` repeats our own names for whoever reads the configuration through Leptos.
    pub fn env(&self) -> Result<Vec<(&'static str, String)>> {
        let data = self.paths.data();
        let files = self.logs.as_ref().map_or_else(|| data.join("files"), |dir| dir.join("files"));
        let site = self.paths.site(self.site).display().to_string();
        let address = format!("127.0.0.1:{}", self.port);
        let mut env = self.cluster.env()?;
        env.extend([
            ("ADDR", address.clone()),
            ("PUBLIC_URL", self.url()),
            ("SANDBOX_URL", self.sandbox_url()),
            ("SANDBOX_SPEED", self.speed.to_string()),
            ("SANDBOX_SECRET", SANDBOX_SECRET.into()),
            ("SECRET_KEY", secret(&data.join("secret-key"))?),
            ("SITE_ROOT", site.clone()),
            ("DATA_DIR", files.display().to_string()),
            ("DEV", "1".into()),
            ("LEPTOS_OUTPUT_NAME", "app".into()),
            ("LEPTOS_SITE_ROOT", site),
            ("LEPTOS_SITE_ADDR", address),
            ("LEPTOS_HASH_FILES", (self.site == Profile::Release).to_string()),
        ]);
        if let Some(issuer) = self.issuer_url() {
            env.extend([
                ("GOOGLE_CLIENT_ID", "belfry-at-google".into()),
                ("GOOGLE_CLIENT_SECRET", "nothing is kept there".into()),
                ("GOOGLE_ISSUER", issuer.clone()),
                ("LINKEDIN_CLIENT_ID", "belfry-at-linkedin".into()),
                ("LINKEDIN_CLIENT_SECRET", "nothing is kept there".into()),
                ("LINKEDIN_ISSUER", issuer),
            ]);
        }
        Ok(env)
    }

    /// Where the journeys' provider of identities is, once they have started it.
    pub fn issuer_url(&self) -> Option<String> {
        self.issuer_port.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// What the programs know and must not print, by name.
    pub fn secrets(&self) -> Result<Vec<(&'static str, String)>> {
        let env = self.env()?;
        let named = |wanted: &str| env.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        let names = ["SECRET_KEY", "BELFRY_DB_PASSWORD"];
        names.into_iter().map(|name| Ok((name, named(name).with_context(|| format!("the stack has no {name}"))?))).collect()
    }

    /// One of `belfry`'s commands.
    pub fn belfry(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.paths.bin(self.profile, "belfry"));
        command.args(args).envs(self.env()?).current_dir(&self.paths.root);
        Ok(command)
    }

    pub fn migrate(&self) -> Result<()> {
        run(&mut self.belfry(&["migrate"])?)
    }

    pub fn seed(&self) -> Result<()> {
        run(&mut self.belfry(&["seed"])?)
    }

    /// The invariant checker of the ledger and the calls; fails when it finds a violation.
    pub fn check(&self) -> Result<()> {
        run(&mut self.belfry(&["check"])?).context("the invariant checker is not satisfied")
    }

    /// gremlin, then the server with `serve_args`; returns when both answer.
    pub fn start(&self, serve_args: &[&str]) -> Result<Running> {
        let log = |name: &str| self.logs.as_ref().map(|dir| dir.join(format!("{name}.log")));
        let mut sandbox = Command::new(self.paths.bin(self.profile, "gremlin"));
        sandbox.args(["--addr", &format!("127.0.0.1:{}", self.sandbox_port), "--speed", &self.speed.to_string()]);
        sandbox.args(["--token-secret", SANDBOX_SECRET]);
        sandbox.current_dir(&self.paths.root);
        let mut gremlin = Server::start("gremlin", &mut sandbox, log("gremlin").as_deref())?;
        let serve = [&["serve"], serve_args].concat();
        let mut server = Server::start("belfry serve", &mut self.belfry(&serve)?, log("server").as_deref())?;
        gremlin.wait_healthy(self.sandbox_port)?;
        server.wait_healthy(self.port)?;
        Ok(Running { server, gremlin })
    }
}

/// The programs of the product, in one selection so that nothing is compiled twice.
pub fn build_programs(paths: &Paths, profile: Profile) -> Result<()> {
    let mut cargo = paths.cargo();
    cargo.args(["build", "-p", "server", "-p", "gremlin", "-p", "worker"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    run(&mut cargo)
}
