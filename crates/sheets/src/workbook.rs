//! A workbook becomes lines: its first sheet with rows, one line per row, so that line numbers are row numbers.

use crate::archive::Archive;
use crate::{Failure, Intake, Refusal, Table, ods, xlsx};
use model::imports::{COLUMNS_MAX, LINE_BYTES_MAX, ROWS_MAX};
use std::io::{Read, Seek, Write};

/// Bytes of lines that are handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Whether a file with these first bytes, four or more, is an archive as workbooks are.
pub fn is_workbook(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Reads the first sheet that has rows, and writes it as lines with commas. Line breaks inside cells become spaces, formulas their last
/// value, dates ISO 8601, and numbers all their digits.
///
/// # Errors
/// A refusal as soon as it shows, or what broke between reader and writer.
pub fn unpack(source: impl Read + Seek, out: impl Write) -> Result<Table, Failure> {
    let mut archive = Archive::open(source)?;
    let mut lines = Lines { intake: Intake::of_rows(), line: 1, piece: Vec::new(), out };
    let encoding = if ods::is(&mut archive)? {
        ods::read(&mut archive, &mut lines)?;
        "ODS"
    } else {
        xlsx::read(&mut archive, &mut lines)?;
        "XLSX"
    };
    lines.hand_on()?;
    let table = lines.intake.finish()?;
    lines.out.write_all(&lines.intake.out)?;
    Ok(Table { encoding, ..table })
}

/// The cells of a row, the same memory for all rows.
#[derive(Default)]
pub struct Row {
    cells: Vec<String>,
    used: usize,
}

impl Row {
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// The empty text of this cell, counted from 0; cells come from left to right.
    pub fn cell(&mut self, column: usize) -> Result<&mut String, Failure> {
        if column >= COLUMNS_MAX {
            return Err(Refusal::TooManyColumns(column + 1).into());
        }
        if column < self.used {
            return Err(Refusal::Damaged.into());
        }
        for at in self.used..=column {
            match self.cells.get_mut(at) {
                Some(cell) => cell.clear(),
                None => self.cells.push(String::new()),
            }
        }
        self.used = column + 1;
        Ok(&mut self.cells[column])
    }

    /// Nothing in it.
    pub fn is_blank(&self) -> bool {
        self.texts().iter().all(|cell| cell.trim().is_empty())
    }

    fn texts(&self) -> &[String] {
        &self.cells[..self.used]
    }
}

/// Where rows go.
pub struct Lines<W> {
    intake: Intake,
    /// Number of the next line.
    line: u64,
    piece: Vec<u8>,
    out: W,
}

impl<W: Write> Lines<W> {
    /// Whether there was a row with something in it.
    pub fn any(&self) -> bool {
        self.line > 1
    }

    /// Writes row `number`, counted from 1; rows that were passed over become blank lines.
    pub fn row(&mut self, number: u64, row: &Row) -> Result<(), Failure> {
        if row.is_blank() {
            return Ok(());
        }
        if number > ROWS_MAX + 1 {
            return Err(Refusal::TooManyRows.into());
        }
        let blank = number.checked_sub(self.line).ok_or(Refusal::Damaged)?;
        self.piece.resize(self.piece.len() + blank as usize, b'\n');
        let begin = self.piece.len();
        for (at, cell) in row.texts().iter().enumerate() {
            if at > 0 {
                self.piece.push(b',');
            }
            self.quoted(cell);
            // A text that cells share costs the file nothing.
            if self.piece.len() - begin > LINE_BYTES_MAX {
                return Err(Refusal::LongLine(number).into());
            }
        }
        self.piece.push(b'\n');
        self.line = number + 1;
        if self.piece.len() >= PIECE_BYTES { self.hand_on() } else { Ok(()) }
    }

    fn quoted(&mut self, cell: &str) {
        let quotes = cell.contains(['"', ',']);
        if quotes {
            self.piece.push(b'"');
        }
        for byte in cell.bytes() {
            match byte {
                b'\r' | b'\n' => self.piece.push(b' '),
                b'"' => self.piece.extend_from_slice(b"\"\""),
                _ => self.piece.push(byte),
            }
        }
        if quotes {
            self.piece.push(b'"');
        }
    }

    fn hand_on(&mut self) -> Result<(), Failure> {
        self.intake.push(&self.piece)?;
        self.piece.clear();
        self.out.write_all(&self.intake.out)?;
        self.intake.out.clear();
        Ok(())
    }
}

/// A number as it was typed. Spreadsheets keep 0.1 as 0.10000000000000001; a number of which digits are missing stays as it stands
/// in the file (`9.71501E+11`), so that nobody takes it for a whole one.
pub fn number(raw: &str) -> String {
    let raw = raw.trim();
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() as i64;
    let told = mantissa.split_once('.').map_or(0, |(_, fraction)| digits(fraction));
    let is_whole = raw.strip_prefix('-').unwrap_or(raw).bytes().all(|b| b.is_ascii_digit());
    if is_whole || (exponent > 0 && told < exponent) {
        return raw.to_owned();
    }
    raw.parse::<f64>().ok().filter(|n| n.is_finite()).map_or_else(|| raw.to_owned(), |n| n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_the_file_has() {
        for (raw, text) in [
            ("971501234567", "971501234567"),
            ("9.71501234567E+11", "971501234567"),
            ("9.71501234567E11", "971501234567"),
            ("9.71501E+11", "9.71501E+11"),
            ("4155550123.0", "4155550123"),
            ("0.10000000000000001", "0.1"),
            ("1.0000000000000001E-5", "0.00001"),
            ("-12", "-12"),
            ("12345678901234567890", "12345678901234567890"),
            ("007", "007"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(number(raw), text, "{raw}");
        }
    }
}
