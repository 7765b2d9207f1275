//! Names the build: a page and a server of the same sources understand each other's bytes, others may not (`src/wire.rs`).

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io,
    path::Path,
};

/// Where the types on the wire are.
const SOURCES: [&str; 2] = ["src", "../crates/model/src"];

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    for folder in SOURCES {
        println!("cargo::rerun-if-changed={folder}");
        add(Path::new(folder), &mut hasher)?;
    }
    println!("cargo::rustc-env=BUILD={:016x}", hasher.finish());
    Ok(())
}

fn add(folder: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(&path, hasher)?;
        } else {
            hasher.write(&fs::read(&path)?);
        }
    }
    Ok(())
}
