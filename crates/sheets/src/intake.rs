//! Taking in lines, piece by piece, in bounded memory: what kind of file it is, its encoding, its delimiter,
//! its header. Out comes UTF-8 without a byte-order mark, so that later readers may seek. No IO here.

use crate::Refusal;
use crate::encoding::Text;
use crate::records::{Block, Scanner, read_block};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use model::imports::{COLUMNS_MAX, FILE_BYTES_MAX, LINE_BYTES_MAX, ROWS_MAX};

/// Decoded bytes that are looked at to find delimiter, header and samples.
const HEAD_BYTES: usize = LINE_BYTES_MAX;
/// Records by which delimiters are compared.
const DELIMITER_RECORDS: usize = 20;
/// The first rows, kept for the mapper.
const SAMPLES: usize = 5;
/// Characters of a header or a sample that are kept.
const CELL_MAX: usize = 120;
/// Enough to tell a workbook from a text.
const MAGIC_BYTES: usize = 4;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

type Taken<T = ()> = Result<T, Refusal>;

/// What the head of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// A word for people: an encoding, or the kind of a workbook.
    pub encoding: &'static str,
    pub delimiter: u8,
    pub headers: Vec<String>,
    /// The first rows, as wide as the header.
    pub samples: Vec<Vec<String>>,
}

/// Lines under way.
pub struct Intake {
    bytes: usize,
    magic: Option<Vec<u8>>,
    text: Text,
    lines: Lines,
    /// UTF-8 to be written; the caller takes it after every piece.
    pub out: Vec<u8>,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            bytes: 0,
            magic: Some(Vec::new()),
            text: Text::Undecided(Vec::new()),
            lines: Lines::Head { held: Vec::new(), delimiter: None },
            out: Vec::new(),
        }
    }
}

impl Intake {
    /// For lines that we write ourselves: UTF-8 with commas.
    pub(crate) fn of_rows() -> Self {
        Self {
            magic: None,
            text: Text::strict(UTF_8),
            lines: Lines::Head { held: Vec::new(), delimiter: Some(b',') },
            ..Self::default()
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// As soon as the piece shows that this is no table we can read.
    pub fn push(&mut self, piece: &[u8]) -> Taken {
        self.bytes += piece.len();
        if self.bytes > FILE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        match &mut self.magic {
            None => self.decode(piece, false),
            Some(held) => {
                held.extend_from_slice(piece);
                if held.len() < MAGIC_BYTES { Ok(()) } else { self.begin() }
            }
        }
    }

    /// The upload is complete.
    ///
    /// # Errors
    /// When what came is no table, or not a whole one.
    pub fn finish(&mut self) -> Taken<Table> {
        self.begin()?;
        self.decode(&[], true)?;
        self.lines.end(&mut self.out)?;
        match &self.lines {
            Lines::Body { records: 0 | 1, .. } => Err(Refusal::NoRows),
            Lines::Body { delimiter, headers, samples, .. } => Ok(Table {
                encoding: self.text.name(),
                delimiter: *delimiter,
                headers: headers.clone(),
                samples: samples.clone(),
            }),
            Lines::Head { .. } => Err(Refusal::Empty),
        }
    }

    /// Looks at the first bytes once they are there.
    fn begin(&mut self) -> Taken {
        let Some(held) = self.magic.take() else { return Ok(()) };
        if held.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
            return Err(Refusal::OldWorkbook);
        }
        if [b"%PDF".as_slice(), b"PK\x03\x04", b"\x1f\x8b", b"{\\rt"].iter().any(|magic| held.starts_with(magic)) {
            return Err(Refusal::Binary);
        }
        let marked = Encoding::for_bom(&held).or_else(|| unmarked(&held));
        if let Some((encoding, _)) = marked {
            self.text = Text::strict(encoding);
        }
        self.decode(&held[marked.map_or(0, |(_, length)| length)..], false)
    }

    fn decode(&mut self, piece: &[u8], last: bool) -> Taken {
        let mut text = String::new();
        if !self.text.decode(piece, last, &mut text) {
            let line = self.lines.line() + text.matches('\n').count() as u64;
            return Err(Refusal::Garbled { line, encoding: self.text.name() });
        }
        if text.contains('\0') {
            return Err(Refusal::Binary);
        }
        self.lines.push(text.as_bytes(), &mut self.out)
    }
}

/// UTF-16 without its mark: every other byte of the first letters is zero, as in no text of another encoding.
fn unmarked(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    match head {
        [a, 0, b, 0, ..] if *a > 0 && *b > 0 => Some((UTF_16LE, 0)),
        [0, a, 0, b, ..] if *a > 0 && *b > 0 => Some((UTF_16BE, 0)),
        _ => None,
    }
}

/// The beginnings of a web page, which some programs save under the name of a workbook.
fn is_page(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head.trim_ascii_start().get(..64).unwrap_or(head.trim_ascii_start())).to_lowercase();
    ["<!doctype", "<html", "<table", "<?xml", "<head", "<meta"].iter().any(|tag| text.starts_with(tag))
}

/// The lines, as far as they are read.
enum Lines {
    /// Not yet enough to tell the delimiter, unless it is known.
    Head {
        held: Vec<u8>,
        delimiter: Option<u8>,
    },
    Body {
        delimiter: u8,
        headers: Vec<String>,
        samples: Vec<Vec<String>>,
        scanner: Scanner,
        records: u64,
    },
}

impl Lines {
    fn line(&self) -> u64 {
        match self {
            Self::Head { held, .. } => 1 + held.iter().filter(|b| **b == b'\n').count() as u64,
            Self::Body { scanner, .. } => scanner.line(),
        }
    }

    fn push(&mut self, text: &[u8], out: &mut Vec<u8>) -> Taken {
        match self {
            Self::Head { held, delimiter } => {
                held.extend_from_slice(text);
                if held.len() < HEAD_BYTES && (delimiter.is_some() || !is_page(held)) {
                    return Ok(());
                }
                let (head, delimiter) = (std::mem::take(held), *delimiter);
                self.open(&head, delimiter, false, out)
            }
            Self::Body { scanner, records, .. } => {
                for &byte in text {
                    *records += u64::from(scanner.step(byte));
                    if scanner.record_bytes() > LINE_BYTES_MAX {
                        return Err(Refusal::LongLine(scanner.record_line()));
                    }
                }
                // The header is a record too.
                if *records > ROWS_MAX + 1 {
                    return Err(Refusal::TooManyRows);
                }
                out.extend_from_slice(text);
                Ok(())
            }
        }
    }

    /// Reads the head and goes on with the body.
    fn open(&mut self, head: &[u8], known: Option<u8>, whole: bool, out: &mut Vec<u8>) -> Taken {
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(if whole { Refusal::Empty } else { Refusal::LongLine(1) });
        }
        // Columns of a workbook may be called anything.
        if known.is_none() && is_page(head) {
            return Err(Refusal::WebPage);
        }
        let delimiter = known.unwrap_or_else(|| delimiter(head, whole));
        let records = first_records(head, delimiter, whole, SAMPLES + 1);
        let Some(first) = records.first() else { return Err(Refusal::LongLine(1)) };
        let headers = headers(first)?;
        let samples =
            records[1..].iter().map(|r| (0..headers.len()).map(|i| cell(r.get(i).unwrap_or_default())).collect()).collect();
        *self = Self::Body { delimiter, headers, samples, scanner: Scanner::new(delimiter, 1), records: 0 };
        self.push(head, out)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Taken {
        if let Self::Head { held, delimiter } = self {
            let (head, delimiter) = (std::mem::take(held), *delimiter);
            self.open(&head, delimiter, true, out)?;
        }
        if let Self::Body { scanner, records, .. } = self {
            if let Some(line) = scanner.open_quote() {
                return Err(Refusal::OpenQuote(line));
            }
            *records += u64::from(scanner.is_inside());
        }
        Ok(())
    }
}

/// The complete records at the start of the head; at the end of the file the last one is complete too.
fn first_records(head: &[u8], delimiter: u8, whole: bool, count: usize) -> Vec<csv::StringRecord> {
    let block = read_block(&mut &head[..], delimiter, 1, count, usize::MAX).unwrap_or_else(|_| Block::default());
    let mut records = block.records(delimiter).unwrap_or_default();
    if !whole && block.read == head.len() as u64 {
        records.pop();
    }
    records
}

/// The candidate with which most records have as many cells as the header; among equals, more cells.
fn delimiter(head: &[u8], whole: bool) -> u8 {
    let fit = |candidate: &u8| {
        let records = first_records(head, *candidate, whole, DELIMITER_RECORDS);
        let cells = records.first().map_or(0, csv::StringRecord::len);
        let alike = records.iter().filter(|r| r.len() == cells).count();
        if cells < 2 { (0, 0) } else { (alike * 1_000 / records.len(), cells) }
    };
    // `max_by_key` returns the last of equals; commas come first in the table and last here.
    DELIMITERS.into_iter().rev().max_by_key(fit).unwrap_or(b',')
}

fn headers(record: &csv::StringRecord) -> Taken<Vec<String>> {
    if record.len() > COLUMNS_MAX {
        return Err(Refusal::TooManyColumns(record.len()));
    }
    let mut headers: Vec<String> = Vec::with_capacity(record.len());
    for (i, text) in record.iter().enumerate() {
        let name = cell(text);
        let earlier = headers.iter().position(|h| !name.is_empty() && h.eq_ignore_ascii_case(&name));
        if let Some(first) = earlier {
            return Err(Refusal::SameName { first: first + 1, second: i + 1, name });
        }
        headers.push(if name.is_empty() { format!("Column {}", i + 1) } else { name });
    }
    Ok(headers)
}

fn cell(text: &str) -> String {
    text.trim().chars().take(CELL_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in `bytes` in pieces of `size`.
    fn take(bytes: &[u8], size: usize) -> Taken<(Table, String)> {
        let mut intake = Intake::default();
        for piece in bytes.chunks(size) {
            intake.push(piece)?;
        }
        let table = intake.finish()?;
        Ok((table, String::from_utf8(intake.out).expect("UTF-8 comes out")))
    }

    fn table(bytes: &[u8]) -> (Table, String) {
        let whole = take(bytes, usize::MAX).expect("a table");
        for size in [1, 3, 7] {
            assert_eq!(take(bytes, size).expect("a table"), whole, "in pieces of {size}");
        }
        whole
    }

    fn refusal(bytes: &[u8]) -> String {
        take(bytes, 4_096).expect_err("refused").to_string()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn every_usual_encoding_becomes_utf8() {
        let text = "Name;Phone\nJosé Núñez;+34911234567\n";
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("in Latin-1")).collect();
        let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (marked, "UTF-8"),
            (latin, "windows-1252"),
            (utf16(text, u16::to_le_bytes), "UTF-16"),
            (utf16(text, u16::to_be_bytes), "UTF-16"),
            (utf16(text, u16::to_le_bytes)[2..].to_vec(), "UTF-16"),
            (utf16(text, u16::to_be_bytes)[2..].to_vec(), "UTF-16"),
            (b"Name;Phone\nA;1\n".to_vec(), "UTF-8"),
        ] {
            let (table, out) = table(&bytes);
            assert_eq!((table.encoding, table.delimiter, table.headers.join("|").as_str()), (encoding, b';', "Name|Phone"));
            assert!(out == text || out == "Name;Phone\nA;1\n", "{out}");
        }
    }

    #[test]
    fn a_file_of_two_encodings_is_refused_with_the_line() {
        let mixed = [b"Name,Phone\nJos\xc3\xa9,1\n".as_slice(), b"Jos\xe9,2\n"].concat();
        assert_eq!(refusal(&mixed), "Line 3 is not valid UTF-8. Save the file as CSV (UTF-8) and upload that.");
        // Shift-JIS uses bytes that windows-1252 does not define.
        assert!(refusal(b"Name,Phone\n\x83\x81\x81\x5b,1\n").contains("not valid windows-1252"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(refusal(b""), Refusal::Empty.to_string());
        assert_eq!(refusal(b"\xef\xbb\xbf \r\n\n"), Refusal::Empty.to_string());
        assert_eq!(refusal(b"Name,Phone\n"), "The file has a header and no rows.");
        let binary = Refusal::Binary.to_string();
        assert_eq!(refusal(b"\xd0\xcf\x11\xe0 anything"), Refusal::OldWorkbook.to_string());
        assert_eq!(refusal(b"%PDF-1.7\n"), binary);
        assert_eq!(refusal(b"{\\rtf1 Name,Phone}\n"), binary);
        assert_eq!(refusal(b"Name,Phone\nA\0B,1\n"), binary);
        for page in [" \n<!DOCTYPE html><table>", "<html><body><table>", "<?xml version=\"1.0\"?><Workbook>"] {
            assert_eq!(refusal(page.as_bytes()), Refusal::WebPage.to_string());
        }
        assert_eq!(refusal(b"a,b\n\"x,1\ny,2\n"), "The quotation mark opened in line 2 is never closed.");
    }

    #[test]
    fn a_header_that_is_there_twice_is_refused_by_name() {
        assert_eq!(refusal(b"Name,Phone,phone \nA,1,2\n"), "Columns 2 and 3 are both called “phone”. Give each its own name.");
        let (table, _) = table(b"Name,,Phone,\nA,1,2,3\n");
        assert_eq!(table.headers, ["Name", "Column 2", "Phone", "Column 4"]);
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_equal_rows() {
        for (text, delimiter) in [
            ("name,phone\nDoe; Jane,1\nRoe; Jim,2\n", b','),
            ("name;phone\n\"Doe, Jane\";1\nRoe, Jim;2\n", b';'),
            ("name\tphone\tnote\nA\t1\tx,y,z\n", b'\t'),
            ("name|phone\nA|1\n", b'|'),
            ("phone\n1\n", b','),
        ] {
            assert_eq!(table(text.as_bytes()).0.delimiter, delimiter, "{text:?}");
        }
    }

    #[test]
    fn samples_are_as_wide_as_the_header() {
        let (table, _) = table(b"a,b\n1\n2,3,4\n");
        assert_eq!(table.samples, [["1", ""], ["2", "3"]]);
    }

    #[test]
    fn a_line_without_end_is_refused_at_once() {
        let (mut intake, piece, mut pushed) = (Intake::default(), vec![b'a'; 16 * 1024], 0_usize);
        let error = loop {
            pushed += piece.len();
            if let Err(error) = intake.push(&piece) {
                break error;
            }
            assert!(pushed < 1 << 20, "a gigabyte would be taken in");
        };
        assert!(error.to_string().starts_with("Line 1 is longer than 64 KB"), "{error}");
        let mut late = b"a,b\n".repeat(50_000);
        late.extend(vec![b'x'; LINE_BYTES_MAX + 1]);
        assert!(refusal(&late).starts_with("Line 50001 is longer than 64 KB"));
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let wide = |columns: usize| {
            let row: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
            let row = row.join(",");
            format!("{row}\n{row}\n")
        };
        assert_eq!(table(wide(COLUMNS_MAX).as_bytes()).0.headers.len(), COLUMNS_MAX);
        assert!(refusal(wide(COLUMNS_MAX + 1).as_bytes()).contains("201 columns"));
        let long = |length: usize| format!("a,b\n1,{}\n", "x".repeat(length - 3));
        assert!(take(long(LINE_BYTES_MAX).as_bytes(), 4_096).is_ok());
        assert!(take(long(LINE_BYTES_MAX + 1).as_bytes(), 4_096).is_err());
    }
}
