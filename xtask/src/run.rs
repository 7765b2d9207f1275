//! `run` and `dev`: the product on this machine, from nothing to a URL.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    npm,
    postgres::Cluster,
    signals, site,
    stack::{Running, SPEED_DEFAULT, Stack, build_programs},
    tools::{POLL, Paths, Profile, Stages, files},
};

const WATCHED: [&str; 9] =
    ["app/src", "crates", "frontend/src", "migrations", "public", "server/src", "style", "worker/src", "Cargo.lock"];
const LOOK_EVERY: Duration = Duration::from_millis(400);

#[derive(Args)]
pub struct Options {
    /// Optimised, with the small wasm
    #[arg(long)]
    pub release: bool,
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Leave the database without demo data
    #[arg(long)]
    pub no_seed: bool,
    /// How many times faster than life the sandbox's phones ring and talk
    #[arg(long, default_value_t = SPEED_DEFAULT)]
    pub speed: u32,
}

impl Options {
    fn profile(&self) -> Profile {
        if self.release { Profile::Release } else { Profile::Debug }
    }
}

pub fn run(paths: &Paths, options: &Options) -> Result<()> {
    let mut stages = Stages::new();
    stages.run("npm packages", || npm::install(paths))?;
    let cluster = stages.run("postgres", || Cluster::dev(paths))?;
    let stack = Stack::dev(paths, &cluster, options.profile(), options.port, options.speed)?;
    build(&stack, &mut stages)?;
    let mut running = up(&stack, options, &mut stages)?;
    stages.print();
    println!("\nBelfry runs at {}  (Ctrl-C stops it)", stack.url());
    while !signals::stopping() {
        running.server.check()?;
        running.gremlin.check()?;
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Like `run`, and again after every change. A failed build leaves the old server up.
pub fn dev(paths: &Paths, options: &Options) -> Result<()> {
    let mut stages = Stages::new();
    stages.run("npm packages", || npm::install(paths))?;
    let cluster = stages.run("postgres", || Cluster::dev(paths))?;
    let stack = Stack::dev(paths, &cluster, options.profile(), options.port, options.speed)?;
    let mut running: Option<Running> = None;
    while !signals::stopping() {
        let seen = newest(paths)?;
        let mut stages = Stages::new();
        let built = build(&stack, &mut stages).and_then(|()| {
            running = None; // the old one frees its ports first
            running = Some(up(&stack, options, &mut stages)?);
            Ok(())
        });
        match built {
            Ok(()) => println!("\nBelfry runs at {}  (watching for changes, Ctrl-C stops it)", stack.url()),
            Err(_) if signals::stopping() => break,
            Err(error) => eprintln!("\nerror: {error:#}\n(waiting for a change)"),
        }
        while newest(paths)? == seen && !signals::stopping() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Ok(())
}

fn build(stack: &Stack<'_>, stages: &mut Stages) -> Result<()> {
    site::build(stack.paths, stack.profile, stages)?;
    stages.run("server, worker, gremlin", || build_programs(stack.paths, stack.profile))
}

fn up(stack: &Stack<'_>, options: &Options, stages: &mut Stages) -> Result<Running> {
    stages.run("migrate", || stack.migrate())?;
    if !options.no_seed {
        stages.run("seed", || stack.seed())?;
    }
    if signals::stopping() {
        bail!("interrupted");
    }
    stages.run("start", || stack.start(&[]))
}

/// The latest change and the number of files: a deleted file is a change too.
fn newest(paths: &Paths) -> Result<(SystemTime, usize)> {
    let (mut latest, mut count) = (SystemTime::UNIX_EPOCH, 0);
    for folder in WATCHED {
        for file in files(&paths.root.join(folder))? {
            // an editor may remove its temporary file between listing and asking
            if let Ok(changed) = fs::metadata(&file).and_then(|meta| meta.modified()) {
                latest = latest.max(changed);
                count += 1;
            }
        }
    }
    Ok((latest, count))
}
