//! A ZIP archive as workbooks are: its directory and its parts, unpacked piece by piece. Written here because each limit must hold
//! before the thing it limits is read: an ordinary reader takes in a directory of millions of parts, and believes the sizes in it.
//! (PKWARE APPNOTE 6.3.10: §4.3.7 local header, §4.3.12 directory, §4.3.16 its end, §4.5.3 sizes of 64 bits.)

use crate::{Failure, Refusal};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{self, Read, Seek, SeekFrom};

/// Parts of a workbook; one sheet is one part, pictures are some.
const PARTS_MAX: usize = 2_000;
/// Bytes of a directory.
const DIRECTORY_BYTES_MAX: usize = 1024 * 1024;
/// What all parts that are read may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Sheets repeat themselves and pack to a fiftieth; beyond this nobody wrote them.
const RATIO_MAX: u64 = 250;
/// Below this a ratio says nothing.
const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;
/// The end of the directory with the longest comment behind it.
const END_BYTES_MAX: u64 = 22 + 65_535;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

struct Part {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

/// The parts of an archive, by name.
pub struct Archive<R> {
    source: R,
    parts: Vec<Part>,
    /// Bytes that may still be unpacked.
    left: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory, and nothing else.
    pub fn open(mut source: R) -> Result<Self, Failure> {
        let length = source.seek(SeekFrom::End(0))?;
        let tail = END_BYTES_MAX.min(length);
        source.seek(SeekFrom::Start(length - tail))?;
        let mut end = Vec::new();
        (&mut source).take(tail).read_to_end(&mut end)?;
        let found = end.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or(Refusal::Damaged)?;
        let end = &end[found..];
        let field = |at| u32_at(end, at).map(u64::from).ok_or(Refusal::Damaged);
        let (parts, size, offset) = (u16_at(end, 10).ok_or(Refusal::Damaged)?, field(12)?, field(16)?);
        if usize::from(parts) > PARTS_MAX || size > DIRECTORY_BYTES_MAX as u64 {
            return Err(Refusal::Bomb.into());
        }
        source.seek(SeekFrom::Start(offset))?;
        let mut directory = Vec::new();
        (&mut source).take(size).read_to_end(&mut directory)?;
        let (mut rest, mut all) = (directory.as_slice(), Vec::new());
        for _ in 0..parts {
            let (part, length) = entry(rest).ok_or(Refusal::Damaged)?;
            all.push(part);
            rest = rest.get(length..).ok_or(Refusal::Damaged)?;
        }
        Ok(Self { source, parts: all, left: UNPACKED_BYTES_MAX })
    }

    /// Whether there is a part of this name.
    pub fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }

    /// A part, to be read; `None` when there is none of this name.
    pub fn part(&mut self, name: &str) -> Result<Option<Unpacked<'_, R>>, Failure> {
        let Some(part) = self.parts.iter().find(|part| part.name == name) else { return Ok(None) };
        if part.flags & 1 != 0 {
            return Err(Refusal::OldWorkbook.into());
        }
        let is_bomb = part.size > RATIO_FREE_BYTES && part.size / part.packed.max(1) > RATIO_MAX;
        if is_bomb || part.size > self.left {
            return Err(Refusal::Bomb.into());
        }
        self.left -= part.size;
        self.source.seek(SeekFrom::Start(part.offset))?;
        let mut head = [0; 30];
        self.source.read_exact(&mut head)?;
        if !head.starts_with(b"PK\x03\x04") {
            return Err(Refusal::Damaged.into());
        }
        let skip = u16_at(&head, 26).zip(u16_at(&head, 28)).map_or(0, |(name, extra)| i64::from(name) + i64::from(extra));
        self.source.seek(SeekFrom::Current(skip))?;
        let packed = (&mut self.source).take(part.packed);
        let bytes = match part.method {
            STORED => Bytes::Stored(packed),
            DEFLATED => Bytes::Deflated(DeflateDecoder::new(packed)),
            _ => return Err(Refusal::Damaged.into()),
        };
        Ok(Some(Unpacked { bytes, left: part.size, crc: Crc::new(), expected: part.crc }))
    }
}

/// One line of the directory and its length.
fn entry(bytes: &[u8]) -> Option<(Part, usize)> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let lengths = [28, 30, 32].map(|at| u16_at(bytes, at).map(usize::from));
    let [Some(name), Some(extra), Some(comment)] = lengths else { return None };
    let mut part = Part {
        name: String::from_utf8_lossy(bytes.get(46..46 + name)?).into_owned(),
        flags: u16_at(bytes, 8)?,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        packed: u32_at(bytes, 20)?.into(),
        size: u32_at(bytes, 24)?.into(),
        offset: u32_at(bytes, 42)?.into(),
    };
    large(&mut part, bytes.get(46 + name..46 + name + extra)?)?;
    Some((part, 46 + name + extra + comment))
}

/// Sizes that do not fit in 32 bits, or that a careful writer put into 64 bits, stand behind the name.
fn large(part: &mut Part, mut extra: &[u8]) -> Option<()> {
    const ELSEWHERE: u64 = u32::MAX as u64;
    while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2).map(usize::from)) {
        if kind == 1 {
            let mut at = 4;
            for field in [&mut part.size, &mut part.packed, &mut part.offset] {
                if *field == ELSEWHERE {
                    *field = u64_at(extra, at)?;
                    at += 8;
                }
            }
        }
        extra = extra.get(4 + length..)?;
    }
    Some(())
}

enum Bytes<'a, R> {
    Stored(io::Take<&'a mut R>),
    Deflated(DeflateDecoder<io::Take<&'a mut R>>),
}

/// A part while it is unpacked: never longer than its directory said, and whole.
pub struct Unpacked<'a, R> {
    bytes: Bytes<'a, R>,
    left: u64,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Bytes::Stored(bytes) => bytes.read(buffer)?,
            Bytes::Deflated(bytes) => bytes.read(buffer)?,
        };
        // More than was promised: whoever wrote the directory lied about a bomb. Less, or another sum: broken off.
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(Refusal::Bomb))?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && (self.left > 0 || self.crc.sum() != self.expected) {
            return Err(io::Error::other(Refusal::Damaged));
        }
        Ok(read)
    }
}
