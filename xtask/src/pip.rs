//! Python packages: an environment of its own per list of what is wanted, made anew when the list changed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::tools::{Stamp, has, hash, is_root, output, run};

/// The Python of `home`, with what `wanted` lists.
pub fn install_in(home: &Path, wanted: &Path) -> Result<PathBuf> {
    let python = home.join("bin/python");
    let stamp = Stamp::new(home.join("belfry-stamp"), hash(&[wanted.to_owned()])?);
    if !stamp.is_fresh(&python) {
        // Debian's Python makes no environments without this package.
        if output(Command::new("python3").args(["-c", "import ensurepip"])).is_err() && is_root() && has("apt-get") {
            run(Command::new("apt-get").args(["update", "-q"]))?;
            run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends", "python3-venv"]))?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(home))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(wanted))?;
        stamp.write()?;
    }
    Ok(python)
}
