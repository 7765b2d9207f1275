//! The benches that load something: a durable Postgres of its own, the load generator of the crate `bench`
//! against it, and the programs it is compared with.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    npm, pip,
    postgres::Cluster,
    redis,
    tools::{Paths, Profile, Stages, run},
};

/// A bench that needs nobody else's programs.
pub fn alone(paths: &Paths, name: &str, json: bool, more: &[String]) -> Result<()> {
    load(paths, name, &["bench"], json, more, &mut Stages::new())
}

/// The dialer against job queues, one of which keeps its jobs in Redis.
pub fn dispatch(paths: &Paths, json: bool, more: &[String]) -> Result<()> {
    let mut stages = Stages::new();
    redis::need()?;
    stages.run("peers of npm", || node_peers(paths))?;
    let args = [&["--peers".to_owned(), peers(paths).display().to_string()], more].concat();
    load(paths, "dispatch", &["bench"], json, &args, &mut stages)
}

/// Signed callbacks against the release server and its peers.
pub fn callback(paths: &Paths, json: bool, more: &[String]) -> Result<()> {
    let mut stages = Stages::new();
    stages.run("peers of npm", || node_peers(paths))?;
    let wanted = peers(paths).join("requirements.txt");
    let python = stages.run("peers of PyPI", || pip::install_in(&paths.target.join("peers/venv"), &wanted))?;
    let mut args: Vec<String> =
        [("--belfry", paths.bin(Profile::Release, "belfry")), ("--peers", peers(paths)), ("--python", python)]
            .into_iter()
            .flat_map(|(name, path)| [name.to_owned(), path.display().to_string()])
            .collect();
    args.extend_from_slice(more);
    load(paths, "callback", &["bench", "server"], json, &args, &mut stages)
}

/// Files and workbooks against COPY and programs of npm and PyPI.
pub fn import(paths: &Paths, json: bool, more: &[String]) -> Result<()> {
    let mut stages = Stages::new();
    stages.run("peers of npm", || node_peers(paths))?;
    let wanted = peers(paths).join("requirements.txt");
    let python = stages.run("peers of PyPI", || pip::install_in(&paths.target.join("peers/venv"), &wanted))?;
    let named = [("--peers", peers(paths)), ("--python", python)];
    let mut args: Vec<String> =
        named.into_iter().flat_map(|(name, path)| [name.to_owned(), path.display().to_string()]).collect();
    args.extend_from_slice(more);
    load(paths, "import", &["bench"], json, &args, &mut stages)
}

/// Callbacks while many people sign in, against the release server.
pub fn login_flood(paths: &Paths, json: bool, more: &[String]) -> Result<()> {
    let belfry = ["--belfry".to_owned(), paths.bin(Profile::Release, "belfry").display().to_string()];
    load(paths, "login-flood", &["bench", "server"], json, &[&belfry, more].concat(), &mut Stages::new())
}

fn load(paths: &Paths, name: &str, packages: &[&str], json: bool, args: &[String], stages: &mut Stages) -> Result<()> {
    let mut cargo = paths.cargo();
    cargo.args(["build", "--release"]).args(packages.iter().flat_map(|package| ["-p", package]));
    stages.run("release build", || run(&mut cargo))?;
    let cluster = stages.run("postgres", || Cluster::durable(paths))?;
    let mut load = Command::new(paths.bin(Profile::Release, "bench"));
    load.arg(name).args(args).envs(cluster.env()?).current_dir(&paths.root);
    if json {
        load.arg("--json");
    }
    stages.run("load", || run(&mut load))
}

fn peers(paths: &Paths) -> PathBuf {
    paths.root.join("bench/peers")
}

fn node_peers(paths: &Paths) -> Result<()> {
    install(&peers(paths))
}

/// Packages that a bench needs, in its folder.
pub fn install(folder: &Path) -> Result<()> {
    // Not `npm ci`: it wants optional packages of other platforms in the lock, which not every registry has.
    npm::install_in(folder, &["install", "--no-save"])
}
