//! Node packages: installed from the lock file when it changed, never otherwise.
//!
//! The lock file lists Tailwind's binaries for every platform, some without a checksum: the registry it was made with
//! does not carry those, and `npm ci` refuses a lock file that leaves out an optional dependency. Keep them when it is remade.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::{
    pip,
    tools::{Paths, Stamp, has, hash, run},
};

const NODE_MAJOR_MIN: u32 = 20;

pub fn install(paths: &Paths) -> Result<()> {
    ensure!(has("node") && has("npm"), "Node.js {NODE_MAJOR_MIN} or later with npm is needed (Tailwind, Playwright)");
    install_in(&paths.root, &["ci"])
}

/// The providers' official SDKs, and what customers verify our messages with; they judge what we send and sign, see
/// docs/providers/README.md.
pub fn install_peers(paths: &Paths) -> Result<()> {
    let folder = paths.root.join("crates/providers/tests/peers");
    pip::install_in(&folder.join(".venv"), &folder.join("requirements.txt"))?;
    install_in(&folder, &["ci", "--ignore-scripts", "--prefer-offline", "--no-audit"])
}

/// What a folder's lock file names, as `npm` does it with these arguments.
pub fn install_in(folder: &Path, how: &[&str]) -> Result<()> {
    let modules = folder.join("node_modules");
    let inputs = hash(&[folder.join("package.json"), folder.join("package-lock.json")])?;
    let stamp = Stamp::new(modules.join(".belfry-stamp"), inputs);
    if stamp.is_fresh(&modules) {
        return Ok(());
    }
    ensure!(!modules.is_symlink(), "node_modules is a link, and `npm` would empty the folder it leads to; remove the link");
    run(Command::new("npm").args(how).args(["--no-progress", "--loglevel=error"]).current_dir(folder))?;
    stamp.write()
}
