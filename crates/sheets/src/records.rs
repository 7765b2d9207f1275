//! Where the records of a CSV file end. The scanner knows no cells: it walks bytes exactly as the `csv` crate
//! does, so that limits hold before anything is kept and a run can stop and go on at a byte.

use std::io::{self, BufRead};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between records; blank lines are passed over.
    Between,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quotation mark inside a quoted cell: its end, or the first half of `""`.
    QuoteInQuoted,
}

/// Walks over bytes and tells where records end.
#[derive(Debug, Clone)]
pub struct Scanner {
    delimiter: u8,
    state: State,
    /// Physical line of the next byte, from 1.
    line: u64,
    after_return: bool,
    record_line: u64,
    record_bytes: usize,
    quote_line: u64,
}

impl Scanner {
    /// Starts between records, at physical line `line`.
    pub fn new(delimiter: u8, line: u64) -> Self {
        Self { delimiter, state: State::Between, line, after_return: false, record_line: line, record_bytes: 0, quote_line: line }
    }

    /// Takes one byte; true when it ends a record.
    pub fn step(&mut self, byte: u8) -> bool {
        let line = self.line;
        match byte {
            b'\r' => self.line += 1,
            // The second half of a line end that was counted.
            b'\n' if !self.after_return => self.line += 1,
            _ => {}
        }
        self.after_return = byte == b'\r';
        let ends_line = matches!(byte, b'\r' | b'\n');
        if self.state == State::Between {
            if ends_line {
                return false;
            }
            (self.state, self.record_line, self.record_bytes) = (State::FieldStart, line, 0);
        }
        self.record_bytes += 1;
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') => {
                self.quote_line = line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            (_, b) if b == self.delimiter => State::FieldStart,
            (_, b'\r' | b'\n') => State::Between,
            _ => State::Unquoted,
        };
        self.state == State::Between
    }

    /// Physical line of the next byte.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// First line of the record under way or just ended.
    pub fn record_line(&self) -> u64 {
        self.record_line
    }

    /// Bytes of the record under way, or of the one just ended.
    pub fn record_bytes(&self) -> usize {
        self.record_bytes
    }

    /// Whether bytes since the last record end would be a record if the file ended here.
    pub fn is_inside(&self) -> bool {
        self.state != State::Between
    }

    /// The line of a quotation mark that was opened and not closed.
    pub fn open_quote(&self) -> Option<u64> {
        (self.state == State::Quoted).then_some(self.quote_line)
    }
}

/// Some whole records as they stand in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub bytes: Vec<u8>,
    /// First line of each record.
    pub lines: Vec<u64>,
    /// Bytes and lines to pass over to come behind this block.
    pub read: u64,
    pub lines_read: u64,
}

impl Block {
    /// The cells, record by record.
    pub fn records(&self, delimiter: u8) -> csv::Result<Vec<csv::StringRecord>> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(self.bytes.as_slice());
        reader.records().collect()
    }
}

/// Reads at most `count` records; fewer mean the end. `line` is the physical line `source` stands at. A record
/// is at most `record_bytes_max` long, so a block is bounded.
pub fn read_block(
    source: &mut impl BufRead,
    delimiter: u8,
    line: u64,
    count: usize,
    record_bytes_max: usize,
) -> io::Result<Block> {
    let mut scanner = Scanner::new(delimiter, line);
    let mut block = Block::default();
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            if scanner.is_inside() {
                block.lines.push(scanner.record_line());
            }
            break;
        }
        let full = block.lines.len() >= count;
        // Behind the last record only the second half of its line end is taken.
        if full && !(scanner.after_return && buffer[0] == b'\n') {
            break;
        }
        let mut taken = 0;
        for &byte in buffer {
            taken += 1;
            let ended = scanner.step(byte);
            if scanner.record_bytes() > record_bytes_max {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {} is too long", scanner.record_line())));
            }
            if ended {
                block.lines.push(scanner.record_line());
            }
            if full || block.lines.len() >= count {
                break;
            }
        }
        block.bytes.extend_from_slice(&buffer[..taken]);
        block.read += taken as u64;
        source.consume(taken);
    }
    block.lines_read = scanner.line() - line;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(text: &str, count: usize) -> Block {
        read_block(&mut text.as_bytes(), b',', 1, count, 1_000).expect("short records")
    }

    #[test]
    fn lines_are_counted_as_an_editor_shows_them() {
        assert_eq!(block("a,b\nc\n", 9).lines, [1, 2]);
        assert_eq!(block("a,b\r\nc\r\n\r\nd", 9).lines, [1, 2, 4]);
        assert_eq!(block("a\rb\r", 9).lines, [1, 2]);
        assert_eq!(block("\n\n\"a\n\nb\",c\nd\n", 9).lines, [3, 6]);
    }

    #[test]
    fn a_quotation_mark_inside_an_unquoted_cell_is_only_a_character() {
        assert_eq!(block("5\" pipe,a\nb\n", 9).lines, [1, 2]);
        assert_eq!(block("\"a\"\"b\n\",c\nd\n", 9).lines, [1, 3]);
    }

    #[test]
    fn a_block_is_continued_behind_its_line_end() {
        let text = "a\r\nb\r\nc";
        let first = block(text, 1);
        assert_eq!((first.read, first.lines_read, first.bytes.as_slice()), (3, 1, b"a\r\n".as_slice()));
        let rest = read_block(&mut &text.as_bytes()[3..], b',', 2, 9, 1_000).expect("short records");
        assert_eq!((rest.lines, rest.read), (vec![2, 3], 4));
    }

    #[test]
    fn a_record_may_have_exactly_the_longest_length() {
        let read = |max| read_block(&mut b"abc\n".as_slice(), b',', 1, 9, max).is_ok();
        assert!(read(4));
        assert!(!read(3));
    }

    proptest! {
        #[test]
        fn the_scanner_sees_the_records_that_the_reader_sees(text in "[a\",\r\n ]{0,60}", count in 1_usize..4) {
            let mut whole = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let expected: Vec<csv::StringRecord> = whole.records().collect::<csv::Result<_>>().expect("text");
            let (mut source, mut line, mut seen) = (text.as_bytes(), 1, Vec::new());
            loop {
                let block = read_block(&mut source, b',', line, count, 1_000).expect("short records");
                let records = block.records(b',').expect("text");
                prop_assert_eq!(records.len(), block.lines.len());
                line += block.lines_read;
                seen.extend(records);
                if block.lines.len() < count {
                    break;
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
