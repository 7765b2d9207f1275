//! Office Open XML: which part is the sheet, what its shared texts are, which numbers are dates, and its rows one by one.
//! (ECMA-376 part 1: §18.2 workbook, §18.3 sheets, §18.4 shared texts, §18.8 styles; part 2: §9 relationships.)

use crate::archive::{Archive, Unpacked};
use crate::workbook::{Lines, Row, number};
use crate::xml::{Node, Xml, attribute};
use crate::{Failure, Refusal};
use chrono::{NaiveDate, TimeDelta};
use std::io::{Read, Seek, Write};

/// Bytes of all shared texts together; they are kept while the sheet is read.
const SHARED_BYTES_MAX: usize = 48 * 1024 * 1024;
/// How many there may be.
const SHARED_MAX: usize = 4_000_000;
/// Formats that a workbook may define; Excel has 65,490.
const STYLES_MAX: usize = 70_000;
/// Sheets that are looked at for rows.
const SHEETS_MAX: usize = 200;
/// Days between 1900's and 1904's count.
const DAYS_1904: f64 = 1_462.0;

/// Reads the first visible sheet that has rows.
pub fn read<R: Read + Seek>(archive: &mut Archive<R>, lines: &mut Lines<impl Write>) -> Result<(), Failure> {
    let root = relations(archive, "")?;
    let book = target(&root, |r| r.kind == "officeDocument").filter(|name| name.ends_with(".xml")).ok_or(Refusal::NoSheet)?;
    let others = relations(archive, &book)?;
    let Book { sheets, is_1904 } = sheets(archive, &book)?;
    let part = |kind: &str| target(&others, |r| r.kind == kind);
    let dates = match part("styles") {
        Some(name) => dates(archive, &name)?,
        None => Vec::new(),
    };
    let shared = match part("sharedStrings") {
        Some(name) => shared(archive, &name)?,
        None => Shared::default(),
    };
    for id in sheets {
        let Some(name) = target(&others, |r| r.id == id && r.kind == "worksheet") else { continue };
        let Some(part) = archive.part(&name)? else { continue };
        Sheet { xml: Xml::new(part), shared: &shared, dates: &dates, is_1904 }.read(lines)?;
        if lines.any() {
            return Ok(());
        }
    }
    if lines.any() { Ok(()) } else { Err(Refusal::Empty.into()) }
}

struct Relation {
    id: String,
    /// The last word of its type: transitional and strict files differ in the rest.
    kind: String,
    target: String,
}

fn target(relations: &[Relation], which: impl Fn(&Relation) -> bool) -> Option<String> {
    relations.iter().find(|r| which(r)).map(|r| r.target.clone())
}

fn part<'a, R: Read + Seek>(archive: &'a mut Archive<R>, name: &str) -> Result<Xml<Unpacked<'a, R>>, Failure> {
    archive.part(name)?.map(Xml::new).ok_or_else(|| Refusal::NoSheet.into())
}

/// What a part leads to, with the names of parts in full.
fn relations<R: Read + Seek>(archive: &mut Archive<R>, of: &str) -> Result<Vec<Relation>, Failure> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let slash = if folder.is_empty() { "" } else { "/" };
    let mut xml = part(archive, &format!("{folder}{slash}_rels/{name}.rels"))?;
    let mut all = Vec::new();
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.local_name().as_ref() == b"Relationship" => {
                let text = |name: &[u8]| attribute(&tag, name).unwrap_or_default();
                let (target, kind) = (text(b"Target"), text(b"Type"));
                let target = match target.strip_prefix('/') {
                    Some(whole) => whole.to_owned(),
                    None => format!("{folder}{slash}{target}"),
                };
                all.push(Relation { id: text(b"Id"), kind: kind.rsplit('/').next().unwrap_or_default().to_owned(), target });
                if all.len() > STYLES_MAX {
                    return Err(Refusal::Bomb.into());
                }
            }
            Node::End => return Ok(all),
            _ => {}
        }
    }
}

struct Book {
    /// Relations of the visible sheets, in order.
    sheets: Vec<String>,
    is_1904: bool,
}

fn sheets<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> Result<Book, Failure> {
    let mut xml = part(archive, name)?;
    let mut book = Book { sheets: Vec::new(), is_1904: false };
    loop {
        match xml.next()? {
            Node::Open(tag) => match tag.local_name().as_ref() {
                b"workbookPr" => {
                    book.is_1904 = attribute(&tag, b"date1904").is_some_and(|word| ["1", "true", "on"].contains(&word.as_str()));
                }
                b"sheet"
                    if attribute(&tag, b"state").is_none_or(|state| state == "visible") && book.sheets.len() < SHEETS_MAX =>
                {
                    book.sheets.extend(attribute(&tag, b"id"));
                }
                _ => {}
            },
            Node::End => return Ok(book),
            _ => {}
        }
    }
}

/// For each cell format whether it shows a date.
fn dates<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> Result<Vec<bool>, Failure> {
    let mut xml = part(archive, name)?;
    let (mut own, mut dates, mut in_cells) = (Vec::new(), Vec::new(), false);
    loop {
        match xml.next()? {
            Node::Open(tag) => match tag.local_name().as_ref() {
                b"numFmt" if own.len() < STYLES_MAX && attribute(&tag, b"formatCode").is_some_and(|code| shows_date(&code)) => {
                    own.extend(attribute(&tag, b"numFmtId"));
                }
                b"cellXfs" => in_cells = true,
                b"cellStyles" | b"cellStyleXfs" | b"dxfs" => in_cells = false,
                b"xf" if in_cells && dates.len() < STYLES_MAX => {
                    let id = attribute(&tag, b"numFmtId").unwrap_or_default();
                    let built_in = matches!(id.parse(), Ok(14_u32..=22 | 27..=36 | 45..=47 | 50..=58));
                    dates.push(built_in || own.contains(&id));
                }
                _ => {}
            },
            Node::End => return Ok(dates),
            _ => {}
        }
    }
}

/// A format code with a letter of dates outside of quotes and brackets: `yyyy-mm-dd`, not `0 "days"` nor `[Red]0`.
fn shows_date(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    let code = code.split(';').next().unwrap_or_default();
    code.chars().any(|c| {
        let plain = !quoted && !bracketed && !std::mem::take(&mut escaped);
        match c {
            '\\' | '_' | '*' if plain => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '[' if plain => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        plain && matches!(c.to_ascii_lowercase(), 'y' | 'm' | 'd' | 'h' | 's')
    })
}

/// All shared texts in one piece of memory.
#[derive(Default)]
struct Shared {
    text: String,
    ends: Vec<u32>,
}

impl Shared {
    fn get(&self, at: usize) -> Option<&str> {
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? as usize };
        self.text.get(start..*self.ends.get(at)? as usize)
    }
}

fn shared<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> Result<Shared, Failure> {
    let Some(part) = archive.part(name)? else { return Ok(Shared::default()) };
    let (mut xml, mut all, mut one) = (Xml::new(part), Shared::default(), String::new());
    loop {
        match xml.next()? {
            Node::Open(tag) if tag.local_name().as_ref() == b"si" => {
                one.clear();
                texts(&mut xml, &mut one)?;
                all.text.push_str(&one);
                if all.text.len() > SHARED_BYTES_MAX || all.ends.len() >= SHARED_MAX {
                    return Err(Refusal::TooMuchText.into());
                }
                all.ends.push(all.text.len() as u32);
            }
            Node::End => return Ok(all),
            _ => {}
        }
    }
}

/// The texts `t` of the element that was opened, without how they are pronounced (`rPh`).
fn texts<R: Read>(xml: &mut Xml<R>, into: &mut String) -> Result<(), Failure> {
    let (mut depth, mut text, mut aside) = (1_usize, false, 0_usize);
    while depth > 0 {
        match xml.next()? {
            Node::Open(tag) => {
                depth += 1;
                match tag.local_name().as_ref() {
                    b"t" => text = aside == 0,
                    b"rPh" => aside = depth,
                    _ => {}
                }
            }
            Node::Close => {
                if depth == aside {
                    aside = 0;
                }
                (depth, text) = (depth - 1, false);
            }
            Node::Text(piece) if text => into.push_str(&piece),
            Node::End => return Err(Refusal::Damaged.into()),
            _ => {}
        }
    }
    Ok(())
}

struct Sheet<'a, R: Read> {
    xml: Xml<R>,
    shared: &'a Shared,
    dates: &'a [bool],
    is_1904: bool,
}

/// What is known of a cell when its value comes.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: Kind,
    is_date: bool,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Kind {
    #[default]
    Number,
    Shared,
    Text,
    Bool,
}

impl<R: Read> Sheet<'_, R> {
    /// Row by row; what the sheet says about its size is not asked.
    fn read(mut self, lines: &mut Lines<impl Write>) -> Result<(), Failure> {
        let (mut row, mut line, mut next) = (Row::default(), 0_u64, 0_usize);
        loop {
            let cell = match self.xml.next()? {
                Node::Open(tag) => match tag.local_name().as_ref() {
                    b"row" => {
                        lines.row(line, &row)?;
                        row.clear();
                        let said = attribute(&tag, b"r").map(|r| r.parse::<u64>());
                        (line, next) = (said.transpose().map_err(|_| Refusal::Damaged)?.unwrap_or(line + 1), 0);
                        continue;
                    }
                    b"c" => cell(&tag, next, self.dates)?,
                    _ => continue,
                },
                Node::End => return lines.row(line, &row),
                _ => continue,
            };
            next = cell.column + 1;
            self.value(&cell, &mut row)?;
        }
    }

    /// Reads up to the end of the cell; an empty one leaves nothing behind.
    fn value(&mut self, cell: &Cell, row: &mut Row) -> Result<(), Failure> {
        let (mut raw, mut depth) = (String::new(), 1_usize);
        while depth > 0 {
            let into_text = match self.xml.next()? {
                Node::Open(tag) => match tag.local_name().as_ref() {
                    b"v" => false,
                    b"is" => true,
                    // Formulas are not run, and what is not known is passed over.
                    _ => {
                        depth += 1;
                        continue;
                    }
                },
                Node::Close => {
                    depth -= 1;
                    continue;
                }
                Node::End => return Err(Refusal::Damaged.into()),
                _ => continue,
            };
            if into_text { texts(&mut self.xml, &mut raw)? } else { self.xml.text(&mut raw, b"")? }
        }
        if raw.is_empty() {
            return Ok(());
        }
        let text = row.cell(cell.column)?;
        match cell.kind {
            Kind::Shared => {
                let found = raw.trim().parse().ok().and_then(|at| self.shared.get(at)).ok_or(Refusal::Damaged)?;
                text.push_str(&unescaped(found));
            }
            Kind::Text => text.push_str(&unescaped(&raw)),
            Kind::Bool => text.push_str(if raw.trim() == "1" { "TRUE" } else { "FALSE" }),
            Kind::Number if cell.is_date => text.push_str(&date(&raw, self.is_1904).unwrap_or_else(|| number(&raw))),
            Kind::Number => text.push_str(&number(&raw)),
        }
        Ok(())
    }
}

/// Where a cell is and how its value is written. `next` is its column when it does not say.
fn cell(tag: &quick_xml::events::BytesStart<'_>, next: usize, dates: &[bool]) -> Result<Cell, Failure> {
    let mut cell = Cell { column: next, ..Cell::default() };
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| Refusal::Damaged)?;
        match attribute.key.as_ref() {
            b"r" => cell.column = column(&attribute.value).ok_or(Refusal::Damaged)?,
            b"t" => {
                cell.kind = match &*attribute.value {
                    b"s" => Kind::Shared,
                    b"b" => Kind::Bool,
                    b"n" => Kind::Number,
                    _ => Kind::Text,
                };
            }
            b"s" => {
                let style = std::str::from_utf8(&attribute.value).ok().and_then(|text| text.parse::<usize>().ok());
                cell.is_date = style.and_then(|at| dates.get(at)).copied().unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(cell)
}

/// `A1` is 0, `AA7` is 26.
fn column(reference: &[u8]) -> Option<usize> {
    let letters = reference.iter().take_while(|b| b.is_ascii_alphabetic()).take(4);
    letters.fold(0_usize, |n, b| n * 26 + usize::from(b.to_ascii_uppercase() - b'A') + 1).checked_sub(1)
}

/// `_x000D_` is how characters are written that XML does not have.
fn unescaped(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let (mut rest, mut out) = (text, String::with_capacity(text.len()));
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(one) => {
                out.push(one);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    (out + rest).into()
}

/// A serial number of days as ISO 8601. Day 60 of 1900 never was; nobody is called about the days before.
fn date(raw: &str, is_1904: bool) -> Option<String> {
    let days: f64 = raw.trim().parse().ok()?;
    let days = if is_1904 { days + DAYS_1904 } else { days };
    // Up to the end of the year 9999.
    if !(0.0..2_958_466.0).contains(&days) {
        return None;
    }
    let seconds = (days.fract() * 86_400.0).round() as i64;
    let begin = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    let at = begin + TimeDelta::days(days.trunc() as i64) + TimeDelta::seconds(seconds);
    let form = match (days < 1.0, seconds) {
        (true, _) => "%H:%M:%S",
        (_, 0) => "%Y-%m-%d",
        _ => "%Y-%m-%d %H:%M:%S",
    };
    Some(at.format(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_show_dates_are_told_from_others() {
        for code in ["yyyy-mm-dd", "[$-409]d\\-mmm\\-yy;@", "h:mm AM/PM", "m/d/yy"] {
            assert!(shows_date(code), "{code}");
        }
        for code in ["0", "#,##0.00", "0 \"days\"", "[Red]0", "General", "@", "0\\d"] {
            assert!(!shows_date(code), "{code}");
        }
    }

    #[test]
    fn days_become_dates() {
        for (raw, is_1904, text) in [
            ("45000", false, Some("2023-03-15")),
            ("45000.5", false, Some("2023-03-15 12:00:00")),
            ("0.25", false, Some("06:00:00")),
            ("43538", true, Some("2023-03-15")),
            ("-1", false, None),
            ("1e300", false, None),
        ] {
            assert_eq!(date(raw, is_1904).as_deref(), text, "{raw}");
        }
    }

    #[test]
    fn columns_are_letters() {
        for (reference, at) in [("A1", Some(0)), ("z9", Some(25)), ("AA7", Some(26)), ("XFD1048576", Some(16_383)), ("1", None)] {
            assert_eq!(column(reference.as_bytes()), at, "{reference}");
        }
    }

    #[test]
    fn characters_that_xml_lacks_come_back() {
        for (text, out) in
            [("a_x000D_b", "a\rb"), ("a_xb", "a_xb"), ("_x00", "_x00"), ("_x005F_x000D_", "_x000D_"), ("_xé", "_xé")]
        {
            assert_eq!(unescaped(text), out);
        }
    }
}
