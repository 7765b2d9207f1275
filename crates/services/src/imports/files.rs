//! Uploaded files: one per import below the data directory, UTF-8, gone when the import is over.
//! Every node that serves uploads or runs imports must see the same directory.

use super::intake::{Intake, Table};
use super::records::{Block, read_block};
use crate::config::Config;
use crate::error::Result;
use anyhow::Context;
use futures::{Stream, StreamExt};
use model::id::ImportId;
use model::imports::LINE_BYTES_MAX;
use std::fmt::Display;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Where an import's file is.
pub(super) fn path(config: &Config, id: ImportId) -> PathBuf {
    config.data_dir.join("imports").join(format!("{}.csv", id.uuid().simple()))
}

/// An upload that is on disk. It is removed again unless it is kept: the client may go away in mid upload, the
/// file may be refused, the row may not commit.
pub(super) struct Stored {
    pub table: Table,
    pub bytes: u64,
    file: Guard,
}

struct Guard(Option<PathBuf>);

impl Stored {
    /// The row that promises this file is committed.
    pub fn keep(mut self) {
        self.file.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, "a broken upload stays behind");
        }
    }
}

/// Writes an upload as it comes in.
pub(super) async fn store<S, B, E>(path: &Path, stream: S) -> Result<Stored>
where
    S: Stream<Item = std::result::Result<B, E>>,
    B: AsRef<[u8]>,
    E: Display,
{
    let folder = path.parent().context("an import's path has a folder")?;
    tokio::fs::create_dir_all(folder).await.context("the data directory cannot be written")?;
    let mut file = tokio::fs::File::create(path).await.context("an upload cannot be stored")?;
    let guard = Guard(Some(path.to_owned()));
    let (mut stream, mut intake, mut bytes) = (std::pin::pin!(stream), Intake::new(), 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| {
            tracing::info!(%error, "upload broke off");
            model::Error::field("file", "The upload broke off. Try again.")
        })?;
        intake.push(piece.as_ref())?;
        bytes += drain(&mut intake, &mut file).await?;
    }
    let table = intake.finish()?;
    bytes += drain(&mut intake, &mut file).await?;
    file.sync_all().await.context("an upload cannot be stored")?;
    Ok(Stored { table, bytes, file: guard })
}

async fn drain(intake: &mut Intake, file: &mut tokio::fs::File) -> Result<u64> {
    let length = intake.out.len() as u64;
    file.write_all(&intake.out).await.context("an upload cannot be stored")?;
    intake.out.clear();
    Ok(length)
}

/// Removes it; one that is gone already is fine.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Reads the next `count` data records behind byte `from`, which is physical line `lines` + 1. At the start of
/// the file the header is passed over. Blocks the thread.
pub(super) fn read(path: &Path, delimiter: u8, from: u64, lines: u64, count: usize) -> io::Result<Block> {
    let mut file = BufReader::new(std::fs::File::open(path)?);
    file.seek(SeekFrom::Start(from))?;
    if from > 0 {
        return read_block(&mut file, delimiter, lines + 1, count, LINE_BYTES_MAX);
    }
    let header = read_block(&mut file, delimiter, 1, 1, LINE_BYTES_MAX)?;
    let mut block = read_block(&mut file, delimiter, header.lines_read + 1, count, LINE_BYTES_MAX)?;
    block.read += header.read;
    block.lines_read += header.lines_read;
    Ok(block)
}
