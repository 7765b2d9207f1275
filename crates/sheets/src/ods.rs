//! OpenDocument spreadsheets: the rows of the first table that has some. Repeats are how millions of cells fit into a line, so a
//! repeated cell is only written out when there is something in it. (OpenDocument 1.3 part 3: §9.1 tables, §19.675 repeats.)

use crate::archive::Archive;
use crate::workbook::{Lines, Row, number};
use crate::xml::{Node, Xml, attribute};
use crate::{Failure, Refusal};
use quick_xml::events::BytesStart;
use std::io::{Read, Seek, Write};

const KIND: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
const CONTENT: &str = "content.xml";
/// Spaces that a mark may stand for.
const SPACES_MAX: usize = 1_000;
/// Equal rows with something in them, one after the other.
const REPEATS_MAX: u64 = 100_000;

/// Whether this is one.
pub fn is<R: Read + Seek>(archive: &mut Archive<R>) -> Result<bool, Failure> {
    let has_content = archive.has(CONTENT);
    let Some(part) = archive.part("mimetype")? else { return Ok(false) };
    let mut kind = Vec::new();
    part.take(KIND.len() as u64).read_to_end(&mut kind)?;
    Ok(has_content && kind == KIND)
}

/// Reads the first table that has rows.
pub fn read<R: Read + Seek>(archive: &mut Archive<R>, lines: &mut Lines<impl Write>) -> Result<(), Failure> {
    let mut xml = Xml::new(archive.part(CONTENT)?.ok_or(Refusal::NoSheet)?);
    // Rows of a table stand inside groups too; tables do not stand inside each other but in headers and notes.
    let (mut line, mut depth, mut table) = (1_u64, 0_usize, 0_usize);
    let mut row = Row::default();
    loop {
        match xml.next()? {
            Node::Open(tag) => {
                depth += 1;
                match tag.local_name().as_ref() {
                    b"table" if table == 0 => (line, table) = (1, depth),
                    b"table-row" if table > 0 => {
                        let times = repeats(&tag, b"number-rows-repeated")?;
                        row.clear();
                        cells(&mut xml, &mut row)?;
                        depth -= 1;
                        several(lines, line, times, &row)?;
                        line = line.saturating_add(times);
                    }
                    _ => {}
                }
            }
            Node::Close => {
                if depth == table {
                    table = 0;
                    if lines.any() {
                        return Ok(());
                    }
                }
                depth -= 1;
            }
            Node::End => return if lines.any() { Ok(()) } else { Err(Refusal::Empty.into()) },
            _ => {}
        }
    }
}

/// Writes a row as often as it is repeated; empty ones cost nothing, and the others stop at the limit of rows.
fn several(lines: &mut Lines<impl Write>, line: u64, times: u64, row: &Row) -> Result<(), Failure> {
    if row.is_blank() {
        return Ok(());
    }
    if times > REPEATS_MAX {
        return Err(Refusal::Bomb.into());
    }
    for n in 0..times {
        lines.row(line + n, row)?;
    }
    Ok(())
}

fn repeats(tag: &BytesStart<'_>, name: &[u8]) -> Result<u64, Failure> {
    let times = attribute(tag, name).map_or(Ok(1), |text| text.parse::<u64>()).map_err(|_| Refusal::Damaged)?;
    Ok(times.max(1))
}

/// The cells of the row that was just opened, up to its end.
fn cells<R: Read>(xml: &mut Xml<R>, row: &mut Row) -> Result<(), Failure> {
    let (mut column, mut text) = (0_u64, String::new());
    loop {
        match xml.next()? {
            Node::Open(tag) => {
                let is_cell = matches!(tag.local_name().as_ref(), b"table-cell" | b"covered-table-cell");
                let (times, value) = (repeats(&tag, b"number-columns-repeated")?, value(&tag));
                text.clear();
                paragraphs(xml, &mut text)?;
                if !is_cell {
                    continue;
                }
                let shown = value.as_deref().unwrap_or(&text);
                if !shown.is_empty() {
                    for n in 0..times {
                        row.cell(usize::try_from(column.saturating_add(n)).unwrap_or(usize::MAX - 1))?.push_str(shown);
                    }
                }
                column = column.saturating_add(times);
            }
            Node::Close => return Ok(()),
            Node::End => return Err(Refusal::Damaged.into()),
            _ => {}
        }
    }
}

/// The exact value; what is shown may be rounded. Texts have none.
fn value(tag: &BytesStart<'_>) -> Option<String> {
    match attribute(tag, b"value-type")?.as_str() {
        "float" | "currency" | "percentage" => attribute(tag, b"value").map(|raw| number(&raw)),
        "date" => attribute(tag, b"date-value").map(|at| at.replace('T', " ")),
        "boolean" => attribute(tag, b"boolean-value").map(|word| word.to_uppercase()),
        "string" => attribute(tag, b"string-value"),
        _ => None,
    }
}

/// The text of the element that was just opened, its paragraphs with a space between them, without notes to it.
fn paragraphs<R: Read>(xml: &mut Xml<R>, into: &mut String) -> Result<(), Failure> {
    let (mut depth, mut note, mut in_paragraph) = (1_usize, 0_usize, 0_usize);
    while depth > 0 {
        match xml.next()? {
            Node::Open(tag) => {
                depth += 1;
                match tag.local_name().as_ref() {
                    _ if note > 0 => {}
                    b"annotation" => note = depth,
                    b"p" | b"h" if in_paragraph == 0 => {
                        in_paragraph = depth;
                        if !into.is_empty() {
                            into.push(' ');
                        }
                    }
                    b"s" => {
                        let spaces = attribute(&tag, b"c").map_or(Some(1), |n| n.parse().ok()).unwrap_or(1);
                        into.extend(std::iter::repeat_n(' ', spaces.min(SPACES_MAX)));
                    }
                    b"tab" | b"line-break" => into.push(' '),
                    _ => {}
                }
            }
            Node::Close => {
                if depth == note {
                    note = 0;
                }
                if depth == in_paragraph {
                    in_paragraph = 0;
                }
                depth -= 1;
            }
            Node::Text(piece) if note == 0 && in_paragraph > 0 => {
                into.push_str(&piece);
                if into.len() > model::imports::LINE_BYTES_MAX {
                    return Err(Refusal::TooMuchText.into());
                }
            }
            Node::End => return Err(Refusal::Damaged.into()),
            _ => {}
        }
    }
    Ok(())
}
