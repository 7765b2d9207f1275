//! The wasm fence: what the browser's crates depend on is a list in the repository, and some crates may never be in it.

use std::{collections::BTreeSet, fs};

use anyhow::{Result, bail};

use crate::tools::{Paths, output};

/// Each crate that reaches the browser, with the features it is compiled with there.
const FENCED: [(&str, &str); 3] = [("frontend", ""), ("app", "hydrate"), ("model", "server_fn")];
/// Anywhere in the graph: each of these has a heavy or impossible life in a browser.
const BANNED: [&str; 9] = ["sqlx", "tokio", "reqwest", "axum", "chrono-tz", "csv", "rustls", "services", "providers"];
const LIST: &str = "frontend/wasm-deps.txt";

/// Compares with the list, or with `accept` writes it.
pub fn check(paths: &Paths, accept: bool) -> Result<()> {
    let mut found = Vec::new();
    for (name, features) in FENCED {
        let direct = tree(paths, name, features, Some(1))?;
        found.extend(direct.into_iter().filter(|dependency| dependency != name).map(|dependency| format!("{name} {dependency}")));
    }
    let whole = tree(paths, "frontend", "", None)?;
    let banned = BANNED.iter().filter(|name| whole.contains(**name)).collect::<Vec<_>>();
    if !banned.is_empty() {
        bail!(
            "these must not reach the browser: {banned:?}; see `cargo tree -p frontend --target wasm32-unknown-unknown -i <name>`"
        );
    }
    let file = paths.root.join(LIST);
    let text = found.join("\n") + "\n";
    if accept {
        return Ok(fs::write(file, text)?);
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    if known != text {
        let (known, found) = (known.lines().collect::<BTreeSet<_>>(), text.lines().collect::<BTreeSet<_>>());
        let added = found.difference(&known).collect::<Vec<_>>();
        let gone = known.difference(&found).collect::<Vec<_>>();
        bail!("{LIST} differs: new {added:?}, gone {gone:?}. If that is right: cargo xtask fence --accept");
    }
    eprintln!("   {} direct dependencies, {} crates in all, none banned", found.len(), whole.len());
    Ok(())
}

fn tree(paths: &Paths, package: &str, features: &str, depth: Option<u32>) -> Result<BTreeSet<String>> {
    let mut cargo = paths.cargo();
    cargo.args(["tree", "-p", package, "--no-default-features", "--features", features]);
    cargo.args(["--target", "wasm32-unknown-unknown", "-e", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
    if let Some(depth) = depth {
        cargo.args(["--depth", &depth.to_string()]);
    }
    let names = output(&mut cargo)?;
    Ok(names.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}
