//! `conformance`: one provider's adapter against gremlin, and against a real account whose keys are in the environment. The checks
//! are in `crates/providers`; here is what starts them.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::tools::{Paths, has, run};

/// What the live suite exits with when nothing, or not what was asked for, was checked.
const NOT_CHECKED: i32 = 2;

#[derive(Args)]
pub struct Options {
    /// Whose adapter: the name of its page in docs/providers
    #[arg(long)]
    provider: String,
    /// Against the account whose keys are in BELFRY_LIVE_<PROVIDER>_…; exits with 2 when there are none
    #[arg(long)]
    live: bool,
    /// With --live: also place one real call, to BELFRY_LIVE_<PROVIDER>_TO, and let a voice speak; both cost money
    #[arg(long, requires = "live")]
    call: bool,
}

pub fn conformance(paths: &Paths, options: &Options) -> Result<()> {
    let all = providers(paths)?;
    let one = options.provider.as_str();
    ensure!(all.contains(one), "no provider is called {one}; there are {}", all.into_iter().collect::<Vec<_>>().join(", "));
    if !options.live {
        against_gremlin(paths, one, all.iter().filter(|name| *name != one))?;
        eprintln!("\n{one} keeps the contract against gremlin. Of a real account this says nothing:");
    }
    let mut cargo = paths.cargo();
    cargo.args(["run", "--quiet", "-p", "providers", "--example", "conformance", "--", one]);
    cargo.args(options.live.then_some("--live")).args(options.call.then_some("--call"));
    if !options.live {
        return run(&mut cargo);
    }
    let status = cargo.status().context("cannot start cargo")?;
    if status.code() == Some(NOT_CHECKED) {
        // Not our failure, and not a pass either: whoever asked can tell the three apart.
        std::process::exit(NOT_CHECKED);
    }
    ensure!(status.success(), "{one}: something failed");
    Ok(())
}

/// Each has a page of its own.
fn providers(paths: &Paths) -> Result<BTreeSet<String>> {
    let folder = paths.root.join("docs/providers");
    let mut names = BTreeSet::new();
    for page in fs::read_dir(&folder).with_context(|| format!("no folder {}", folder.display()))? {
        let name = page?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".md").filter(|name| *name != "README").map(str::to_owned));
    }
    Ok(names)
}

/// The contract suite, for this kind alone, and what only this kind does.
fn against_gremlin<'a>(paths: &Paths, one: &str, others: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut cargo = paths.cargo();
    if has("cargo-nextest") {
        cargo.args(["nextest", "run"]);
    } else {
        cargo.arg("test");
    }
    cargo.args(["-p", "providers", "--test", "it", "--"]);
    for other in others {
        cargo.arg("--skip").arg(format!("{other}::"));
    }
    run(cargo.env("BELFRY_CONFORMANCE", one))
}
