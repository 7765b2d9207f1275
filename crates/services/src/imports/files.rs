//! Uploaded files: one per import below the data directory, lines of UTF-8, gone when the import is over. A workbook is kept as it came
//! until its lines are written. Every node that serves uploads or runs imports must see the same directory.

use crate::config::Config;
use crate::error::Result;
use anyhow::Context;
use futures::{Stream, StreamExt};
use model::id::ImportId;
use model::imports::{FILE_BYTES_MAX, LINE_BYTES_MAX};
use sheets::{Block, Failure, Intake, Refusal, Table, is_workbook, read_block, unpack};
use std::fmt::Display;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Enough to tell a workbook from lines.
const HEAD_BYTES: usize = 4;

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

/// Writes an upload as it comes in. What kind of file it is, its first bytes say and not its name.
pub(super) async fn store<S, B, E>(path: &Path, stream: S) -> Result<Stored>
where
    S: Stream<Item = std::result::Result<B, E>>,
    B: AsRef<[u8]>,
    E: Display,
{
    let folder = path.parent().context("an import's path has a folder")?;
    tokio::fs::create_dir_all(folder).await.context("the data directory cannot be written")?;
    let (mut stream, mut head) = (std::pin::pin!(stream), Vec::new());
    while head.len() < HEAD_BYTES
        && let Some(piece) = stream.next().await
    {
        head.extend_from_slice(piece.map_err(broke_off)?.as_ref());
    }
    // The head goes first, then what has not come yet.
    let head = futures::stream::iter([Ok(Piece::Head(head))]);
    let rest = stream.map(|piece| piece.map(Piece::Rest).map_err(broke_off));
    let pieces = head.chain(rest).peekable();
    let mut pieces = std::pin::pin!(pieces);
    let is_book = matches!(pieces.as_mut().peek().await, Some(Ok(Piece::Head(head))) if is_workbook(head));
    if is_book { workbook(path, pieces).await } else { lines(path, pieces).await }
}

/// A piece of an upload.
enum Piece<B> {
    Head(Vec<u8>),
    Rest(B),
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Piece<B> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Head(bytes) => bytes,
            Self::Rest(bytes) => bytes.as_ref(),
        }
    }
}

fn broke_off(error: impl Display) -> model::Error {
    tracing::info!(%error, "upload broke off");
    model::Error::field("file", "The upload broke off. Try again.")
}

fn refused(refusal: Refusal) -> model::Error {
    model::Error::field("file", refusal.to_string())
}

async fn create(path: &Path) -> Result<(File, Guard)> {
    let file = File::create(path).await.context("an upload cannot be stored")?;
    Ok((file, Guard(Some(path.to_owned()))))
}

async fn lines<B: AsRef<[u8]>>(
    path: &Path,
    mut pieces: impl Stream<Item = std::result::Result<B, model::Error>> + Unpin,
) -> Result<Stored> {
    let (mut file, guard) = create(path).await?;
    let (mut intake, mut bytes) = (Intake::default(), 0);
    while let Some(piece) = pieces.next().await {
        intake.push(piece?.as_ref()).map_err(refused)?;
        bytes += drain(&mut intake, &mut file).await?;
    }
    let table = intake.finish().map_err(refused)?;
    bytes += drain(&mut intake, &mut file).await?;
    file.sync_all().await.context("an upload cannot be stored")?;
    Ok(Stored { table, bytes, file: guard })
}

async fn drain(intake: &mut Intake, file: &mut File) -> Result<u64> {
    let length = intake.out.len() as u64;
    file.write_all(&intake.out).await.context("an upload cannot be stored")?;
    intake.out.clear();
    Ok(length)
}

/// A workbook's directory is at its end: it is stored first, and then read on a thread of its own.
async fn workbook<B: AsRef<[u8]>>(
    path: &Path,
    mut pieces: impl Stream<Item = std::result::Result<B, model::Error>> + Unpin,
) -> Result<Stored> {
    let (mut book, book_guard) = create(&path.with_extension("book")).await?;
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        bytes += piece.as_ref().len();
        if bytes > FILE_BYTES_MAX {
            return Err(refused(Refusal::TooLarge).into());
        }
        book.write_all(piece.as_ref()).await.context("an upload cannot be stored")?;
    }
    book.flush().await.context("an upload cannot be stored")?;
    let (file, guard) = create(path).await?;
    let (book, file) = (path.with_extension("book"), file.into_std().await);
    let unpacked = tokio::task::spawn_blocking(move || {
        // The guard goes along: a request that ends before its workbook is read does not leave it behind.
        let _guard = book_guard;
        let mut out = BufWriter::new(file);
        let table = unpack(std::fs::File::open(book)?, &mut out)?;
        out.flush()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok::<_, Failure>((table, file.metadata()?.len()))
    });
    match unpacked.await.map_err(anyhow::Error::from)? {
        Ok((table, bytes)) => Ok(Stored { table, bytes, file: guard }),
        Err(Failure::Refused(refusal)) => Err(refused(refusal).into()),
        Err(Failure::Io(error)) => Err(anyhow::Error::new(error).context("a workbook cannot be read").into()),
    }
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
