//! `e2e`, `kills` and `chaos`: the real programs on a database of their own, driven from outside by Playwright or by a Node script.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    canary::{self, Canaries},
    ci,
    postgres::Cluster,
    site,
    stack::{SPEED_DEFAULT, Stack, build_programs},
    tools::{Paths, Profile, Stages, env, has, is_root, run},
};

const BROWSERS: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome-stable", "/usr/bin/google-chrome"];

#[derive(Args)]
pub struct Options {
    /// Show the browser
    #[arg(long)]
    pub headed: bool,
    /// Optimised server and frontend, as in production
    #[arg(long)]
    pub release: bool,
    /// Optimised frontend, as visitors get it, on a debug server
    #[arg(long)]
    pub release_site: bool,
    #[arg(long, default_value_t = SPEED_DEFAULT)]
    pub speed: u32,
    /// Spec files or parts of their names; all when empty
    pub specs: Vec<String>,
}

impl Options {
    pub fn all() -> Self {
        Self { headed: false, release: false, release_site: false, speed: SPEED_DEFAULT, specs: Vec::new() }
    }

    /// With what visitors get.
    pub fn shipped() -> Self {
        Self { release_site: true, ..Self::all() }
    }

    fn profiles(&self) -> Profiles {
        let pick = |release| if release { Profile::Release } else { Profile::Debug };
        Profiles { programs: pick(self.release), site: pick(self.release || self.release_site) }
    }
}

/// How programs and site are built: the site may be optimised while the programs are not.
#[derive(Clone, Copy)]
struct Profiles {
    programs: Profile,
    site: Profile,
}

pub fn run_journeys(paths: &Paths, options: &Options, stages: &mut Stages) -> Result<()> {
    let browser = stages.run("browser", || browser(paths))?;
    with_stack(paths, options.profiles(), options.speed, stages, &[], |stack, stages| {
        let canaries = Canaries::new(&logs(paths), stack.secrets()?)?;
        let mut playwright = Command::new(paths.node_bin("playwright"));
        let (name, file) = canaries.env();
        playwright.env(name, file);
        playwright.args(["test", "--config", "end2end/playwright.config.ts"]).args(&options.specs);
        if options.headed {
            playwright.arg("--headed");
        }
        if let Some(browser) = &browser {
            playwright.env("CHROMIUM", browser);
        }
        stages.run("journeys", || run(dressed(stack, &mut playwright)?))?;
        stages.run("invariants", || stack.check())?;
        stages.run("secrets in logs", || canaries.search(&canary::logs(&logs(paths))?, options.specs.is_empty()))
    })
}

/// Where the programs' output goes.
fn logs(paths: &Paths) -> PathBuf {
    paths.target.join("e2e")
}

#[derive(Args)]
pub struct Chaos {
    /// How often every trouble comes
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// Another seed chooses other victims and moments
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Slower than usual, so that the campaign is under way as long as the troubles last.
const CHAOS_SPEED: u32 = 15;

/// First every await of the dialer's verbs, cut off one by one; then the real programs in every trouble.
pub fn run_chaos(paths: &Paths, options: &Chaos, stages: &mut Stages) -> Result<()> {
    stages.run("crash at every await", || ci::crashes(paths))?;
    with_stack(paths, Options::all().profiles(), CHAOS_SPEED, stages, &["--no-worker"], |stack, stages| {
        stack.cluster.lose_nothing()?;
        let mut node = Command::new("node");
        node.arg("end2end/chaos.mjs").env("WORKER_LOG", stack.paths.target.join("e2e/worker.log"));
        node.env("CHAOS_ROUNDS", options.rounds.to_string()).env("CHAOS_SEED", options.seed.to_string());
        node.envs(stack.cluster.hands_on()?);
        stages.run("chaos", || run(dressed(stack, &mut node)?))?;
        stages.run("invariants", || stack.check())
    })
}

/// Ten `kill -9` of the worker in the middle of a campaign; the script says what it found.
pub fn run_kills(paths: &Paths, stages: &mut Stages) -> Result<()> {
    let script = "end2end/kills.mjs";
    ensure!(paths.root.join(script).exists(), "{script} is missing");
    with_stack(paths, Options::all().profiles(), SPEED_DEFAULT, stages, &["--no-worker"], |stack, stages| {
        let mut node = Command::new("node");
        node.arg(script).env("WORKER_LOG", stack.paths.target.join("e2e/worker.log"));
        stages.run("kills", || run(dressed(stack, &mut node)?))?;
        stages.run("invariants", || stack.check())
    })
}

/// Builds, starts everything on a scratch database, runs `work`, and shows the server's last words if that failed.
fn with_stack(
    paths: &Paths,
    profiles: Profiles,
    speed: u32,
    stages: &mut Stages,
    serve_args: &[&str],
    work: impl FnOnce(&Stack<'_>, &mut Stages) -> Result<()>,
) -> Result<()> {
    site::build(paths, profiles.site, stages)?;
    stages.run("server, worker, gremlin", || build_programs(paths, profiles.programs))?;
    site::name_for(paths, profiles.site, profiles.programs)?;
    let cluster = stages.run("scratch postgres", || Cluster::scratch(paths))?;
    let logs = logs(paths);
    // Of a run before.
    for log in canary::logs(&logs)? {
        fs::remove_file(log)?;
    }
    let mut stack = Stack::scratch(paths, &cluster, profiles.programs, speed, &logs)?;
    stack.site = profiles.site;
    stages.run("migrate and seed", || {
        stack.migrate()?;
        stack.seed()
    })?;
    let running = stages.run("start", || stack.start(serve_args))?;
    let result = work(&stack, stages);
    if result.is_err() {
        eprintln!("{}", running.server.log_tail());
    }
    result
}

/// The environment that specs and scripts read.
fn dressed<'c>(stack: &Stack<'_>, command: &'c mut Command) -> Result<&'c mut Command> {
    command.current_dir(&stack.paths.root).envs(stack.env()?);
    command.env("BASE_URL", stack.url()).env("GREMLIN_URL", stack.sandbox_url());
    command.envs(stack.issuer_url().map(|url| ("ISSUER_URL", url)));
    command.env("BELFRY_BIN", stack.paths.bin(stack.profile, "belfry"));
    Ok(command)
}

/// `$CHROMIUM`, the system's, one installed by apt-get as root, or (None) Playwright's own download.
pub fn browser(paths: &Paths) -> Result<Option<String>> {
    if let Some(given) = env("CHROMIUM") {
        return Ok(Some(given));
    }
    let installed = || BROWSERS.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned());
    if let Some(found) = installed() {
        return Ok(Some(found));
    }
    if is_root() && has("apt-get") {
        run(Command::new("apt-get").args(["update", "-q"]))?;
        run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends", "chromium"]))?;
        return installed().context("apt-get installed chromium, but not where Debian puts it").map(Some);
    }
    run(Command::new(paths.node_bin("playwright")).args(["install", "chromium"]).current_dir(&paths.root))?;
    Ok(None)
}
