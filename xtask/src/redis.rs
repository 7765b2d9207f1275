//! A redis-server for tests of limits that several processes share. Tests start it themselves; here it is only made sure of.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::tools::{has, is_root, run};

/// Whether there is one: the system's, or one installed by apt-get as root.
pub fn find() -> Result<bool> {
    if !has("redis-server") && is_root() && has("apt-get") {
        run(Command::new("apt-get").args(["update", "-q"]))?;
        run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends", "redis-server"]))?;
    }
    Ok(has("redis-server"))
}

/// The same for those who cannot do without.
pub fn need() -> Result<()> {
    ensure!(find()?, "no redis-server was found: install it (apt-get install redis-server, brew install redis)");
    Ok(())
}
