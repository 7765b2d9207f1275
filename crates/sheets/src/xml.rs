//! XML as workbooks have it, one event after the other. An event is short, elements are not deep, and there are no entities but the
//! five of XML itself: a document type is refused before anything in it could be expanded.

use crate::{Failure, Refusal};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of one tag or one piece of text. The longest cell has 32,767 characters.
const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Elements inside each other.
const DEPTH_MAX: usize = 100;
const BUFFER_BYTES: usize = 64 * 1024;

/// What comes next in a document. Names are without their prefix.
pub enum Node<'a> {
    Open(BytesStart<'a>),
    Close,
    Text(Cow<'a, str>),
    /// A comment or a declaration.
    Aside,
    End,
}

/// A document being read.
pub struct Xml<R: Read> {
    reader: Reader<Short<BufReader<R>>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: Read> Xml<R> {
    pub fn new(source: R) -> Self {
        let mut reader = Reader::from_reader(Short { source: BufReader::with_capacity(BUFFER_BYTES, source), left: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// The next node; after the last one `End`.
    pub fn next(&mut self) -> Result<Node<'_>, Failure> {
        self.buffer.clear();
        self.reader.get_mut().left = EVENT_BYTES_MAX;
        Ok(match self.reader.read_event_into(&mut self.buffer).map_err(|error| failure(&error))? {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Refusal::Bomb.into());
                }
                Node::Open(tag)
            }
            Event::End(_) => {
                self.depth -= 1;
                Node::Close
            }
            Event::Text(text) => Node::Text(text.decode().map_err(|_| Refusal::Damaged)?),
            Event::CData(text) => Node::Text(text.decode().map_err(|_| Refusal::Damaged)?),
            Event::GeneralRef(name) => Node::Text(entity(&name)?),
            Event::DocType(_) => return Err(Refusal::Entities.into()),
            Event::Eof if self.depth > 0 => return Err(Refusal::Damaged.into()),
            Event::Eof => Node::End,
            _ => Node::Aside,
        })
    }

    /// The text up to the end of the element that was just opened, without that of elements named in `without`.
    pub fn text(&mut self, into: &mut String, without: &[u8]) -> Result<(), Failure> {
        let (mut inside, mut hidden) = (1_usize, 0_usize);
        while inside > 0 {
            match self.next()? {
                Node::Open(tag) => {
                    inside += 1;
                    if hidden > 0 || tag.local_name().as_ref() == without {
                        hidden += 1;
                    }
                }
                Node::Close => {
                    inside -= 1;
                    hidden = hidden.saturating_sub(1);
                }
                Node::Text(text) if hidden == 0 => {
                    if into.len() + text.len() > EVENT_BYTES_MAX {
                        return Err(Refusal::TooMuchText.into());
                    }
                    into.push_str(&text);
                }
                Node::Text(_) | Node::Aside => {}
                Node::End => return Err(Refusal::Damaged.into()),
            }
        }
        Ok(())
    }
}

/// An attribute by its name without prefix.
pub fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let mut all = tag.attributes();
    // Duplicates are somebody else's problem; the first one counts.
    let found = all.with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == name)?;
    found.unescape_value().ok().map(Cow::into_owned)
}

fn entity(name: &quick_xml::events::BytesRef<'_>) -> Result<Cow<'static, str>, Failure> {
    if let Some(one) = name.resolve_char_ref().map_err(|_| Refusal::Damaged)? {
        return Ok(one.to_string().into());
    }
    Ok(match &**name {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => return Err(Refusal::Entities.into()),
    }
    .into())
}

fn failure(error: &quick_xml::Error) -> Failure {
    match error {
        quick_xml::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()) {
            Some(refusal) => Failure::Refused(refusal.clone()),
            None => Failure::from(io::Error::from(error.kind())),
        },
        _ => Failure::Refused(Refusal::Damaged),
    }
}

/// A source that gives no more for one event than an event may have.
struct Short<R> {
    source: R,
    left: usize,
}

impl<R: BufRead> Read for Short<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl<R: BufRead> BufRead for Short<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(Refusal::TooMuchText));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.source.consume(amount);
    }
}
