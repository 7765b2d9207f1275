//! Pages: bytes, Lighthouse and processor time, of the release site and server and of a Next.js peer on the same database.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::load;
use crate::{
    children::Server,
    e2e,
    postgres::Cluster,
    site,
    stack::{SPEED_DEFAULT, Stack, build_programs},
    tools::{Paths, Profile, Stages, free_port, run},
};

/// `bench/pages/measure.mjs` does the measuring; this starts what it measures. Nobody calls meanwhile, so that both sides show
/// the same rows in every round.
pub fn pages(paths: &Paths, json: bool, more: &[String]) -> Result<()> {
    let mut stages = Stages::new();
    let browser = stages.run("browser", || e2e::browser(paths))?;
    site::build(paths, Profile::Release, &mut stages)?;
    stages.run("server, worker, gremlin", || build_programs(paths, Profile::Release))?;
    let (measure, peer) = (paths.root.join("bench/pages"), paths.root.join("bench/peers/next"));
    stages.run("Lighthouse and Next.js of npm", || [&measure, &peer].into_iter().try_for_each(|folder| load::install(folder)))?;
    stages.run("build of the peer", || run(next(&peer).arg("build")))?;

    let logs = paths.target.join("bench/pages");
    let cluster = stages.run("scratch postgres", || Cluster::scratch(paths))?;
    let stack = Stack::scratch(paths, &cluster, Profile::Release, SPEED_DEFAULT, &logs)?;
    stages.run("migrate and seed", || stack.migrate().and_then(|()| stack.seed()))?;
    let (running, peer, port) = stages.run("start", || {
        let running = stack.start(&["--no-worker"])?;
        let port = free_port()?;
        let mut start = next(&peer);
        start.args(["start", "--hostname", "127.0.0.1", "--port", &port.to_string()]).envs(cluster.env()?);
        let mut peer = Server::start("next", &mut start, Some(&logs.join("next.log")))?;
        peer.wait_healthy(port)?;
        Ok((running, peer, port))
    })?;

    let mut node = Command::new("node");
    node.arg(measure.join("measure.mjs")).args(json.then_some("--json")).args(more);
    node.env("BASE_URL", stack.url()).env("SERVER_PID", running.server.pid().to_string());
    node.env("PEER_URL", format!("http://127.0.0.1:{port}")).env("PEER_PID", peer.pid().to_string());
    node.envs(browser.map(|browser| ("CHROMIUM", browser)));
    stages.run("measure", || run(&mut node))
}

fn next(folder: &Path) -> Command {
    let mut next = Command::new(folder.join("node_modules/.bin/next"));
    next.current_dir(folder).env("NEXT_TELEMETRY_DISABLED", "1");
    next
}
