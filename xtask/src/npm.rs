//! Node packages: installed from the lock file when it changed, never otherwise.
//!
//! The lock file lists Tailwind's binaries for every platform, some without a checksum: the registry it was made with
//! does not carry those, and `npm ci` refuses a lock file that leaves out an optional dependency. Keep them when it is remade.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::tools::{Paths, Stamp, has, hash, run};

const NODE_MAJOR_MIN: u32 = 20;

pub fn install(paths: &Paths) -> Result<()> {
    ensure!(has("node") && has("npm"), "Node.js {NODE_MAJOR_MIN} or later with npm is needed (Tailwind, Playwright)");
    let modules = paths.root.join("node_modules");
    let inputs = hash(&[paths.root.join("package.json"), paths.root.join("package-lock.json")])?;
    let stamp = Stamp::new(modules.join(".belfry-stamp"), inputs);
    if stamp.is_fresh(&modules) {
        return Ok(());
    }
    ensure!(!modules.is_symlink(), "node_modules is a link, and `npm ci` would empty the folder it leads to; remove the link");
    run(Command::new("npm").args(["ci", "--no-progress", "--loglevel=error"]).current_dir(&paths.root))?;
    stamp.write()
}
