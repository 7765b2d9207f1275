//! From files to rows of text: CSV in its dialects and encodings, XLSX and ODS. Whatever the file was, UTF-8 lines come out, so that
//! one reader goes through all of them and may stop and go on at any byte.
//!
//! Files are hostile until they are read. Each limit holds before anything is kept, memory does not grow with the file, and what
//! cannot be read is refused with a [`Refusal`] as soon as it shows. No database, no network, and no IO but the reader given.

mod archive;
mod encoding;
mod export;
mod intake;
mod ods;
mod records;
pub mod testing;
mod workbook;
mod xlsx;
mod xml;

pub use export::{guarded, unguarded};
pub use intake::{Intake, Table};
pub use records::{Block, Scanner, read_block};
pub use workbook::{is_workbook, unpack};

use model::imports::{COLUMNS_MAX, FILE_BYTES_MAX, LINE_BYTES_MAX, ROWS_MAX};
use std::io;

/// Why a file is not read, for the person who chose it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The file is empty.")]
    Empty,
    #[error("The file has a header and no rows.")]
    NoRows,
    #[error("The file is larger than {mb} MB. Split it.", mb = FILE_BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error("The file has more than {ROWS_MAX} rows. Split it.")]
    TooManyRows,
    #[error("The file has {0} columns; at most {COLUMNS_MAX} can be read.")]
    TooManyColumns(usize),
    #[error("Line {0} is longer than {kb} KB. Is a quotation mark left open, or is this not a table?", kb = LINE_BYTES_MAX / 1024)]
    LongLine(u64),
    #[error("The quotation mark opened in line {0} is never closed.")]
    OpenQuote(u64),
    #[error("Line {line} is not valid {encoding}. Save the file as CSV (UTF-8) and upload that.")]
    Garbled { line: u64, encoding: &'static str },
    #[error("This file is not a table in text form. Save it as CSV (UTF-8) and upload that.")]
    Binary,
    #[error("This file is a web page, whatever its name says. Save it as XLSX or CSV (UTF-8) and upload that.")]
    WebPage,
    #[error("Columns {first} and {second} are both called “{name}”. Give each its own name.")]
    SameName { first: usize, second: usize, name: String },
    #[error("This is an old workbook (.xls) or one with a password. Save it as XLSX without a password and upload that.")]
    OldWorkbook,
    #[error("This archive has no sheet that can be read. Save it as XLSX, ODS or CSV (UTF-8) and upload that.")]
    NoSheet,
    #[error("This is a workbook that is damaged. Open it, save it again and upload that.")]
    Damaged,
    #[error("This workbook unpacks to far more than a table needs. Save it as CSV (UTF-8) and upload that.")]
    Bomb,
    #[error(
        "This workbook declares entities of its own, which no spreadsheet program does. Save it as CSV (UTF-8) and upload that."
    )]
    Entities,
    #[error("This workbook has more text than can be read at once. Save it as CSV (UTF-8) and upload that.")]
    TooMuchText,
}

/// Why reading stopped: because of the file, or because of us.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Refused(Refusal),
    #[error(transparent)]
    Io(io::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Failure {
    /// Refusals travel through readers as the inside of an `io::Error`; what a decoder cannot read is damage.
    fn from(error: io::Error) -> Self {
        if let Some(refusal) = error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()) {
            return Self::Refused(refusal.clone());
        }
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Refused(Refusal::Damaged)
            }
            _ => Self::Io(error),
        }
    }
}
