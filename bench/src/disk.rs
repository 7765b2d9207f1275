//! What the disk does right now: every durable number is a multiple of it, and it changes from minute to minute.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Writes per probe.
const WRITES: usize = 60;
/// As much as Postgres writes at once.
const PAGE: [u8; 8192] = [7; 8192];

/// The median time of an fdatasync after one page was overwritten, in the folder for temporary files.
pub fn fdatasync() -> Result<Duration> {
    let path = std::env::temp_dir().join(format!("belfry-probe-{}", std::process::id()));
    let mut file = File::create(&path)?;
    for _ in 0..WRITES {
        file.write_all(&PAGE)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&PAGE)?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    drop(file);
    fs::remove_file(path)?;
    times.sort();
    Ok(times[WRITES / 2])
}
