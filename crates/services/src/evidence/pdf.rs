//! A pack on paper: plain lines in a font every reader has. Characters that this font lacks are a question mark; the JSON has them.

use model::evidence::{Attempt, Evidence};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
const LEADING: f32 = 14.0;
const SIZE: f32 = 9.0;
/// Characters of a line: each is 0.6 of the size wide in Courier, so 88 are 475 points, and 483 are free.
const COLUMNS: usize = 88;

/// One line of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Head(String),
    Text(String),
}

/// What the document says, in order.
pub(super) fn lines(e: &Evidence, hash: &str, made: &str, version: &str) -> Vec<Line> {
    let head = [
        format!("{} about calls to {}.", e.company, e.phone),
        format!("{made}."),
        "This document and the JSON file of the same number say the same. SHA-256 of that file:".to_owned(),
        hash.to_owned(),
    ];
    let mut out: Vec<Line> = head.iter().flat_map(|text| wrapped(text)).map(Line::Text).collect();
    let mut part = |title: &str, texts: Vec<String>| {
        out.push(Line::Text(String::new()));
        out.extend(wrapped(title).into_iter().map(Line::Head));
        let none = vec!["None.".to_owned()];
        for text in if texts.is_empty() { none } else { texts } {
            out.extend(wrapped(&text).into_iter().map(Line::Text));
        }
    };
    let at = |moment: model::time::Moment| moment.iso();
    part(
        "Consent, the newest first",
        e.consents
            .iter()
            .map(|c| {
                let ip = c.ip.as_ref().map_or_else(String::new, |ip| format!("; from {ip}"));
                format!(
                    "{}: {}, {}. {}; wording: {}; proof: {}{ip}. Recorded {} by {}.",
                    at(c.at),
                    c.purpose.label(),
                    c.standing.label().to_lowercase(),
                    c.source.label(),
                    c.wording,
                    c.evidence,
                    at(c.recorded_at),
                    c.by
                )
            })
            .collect(),
    );
    let now = if e.on_list { "The number is on the list." } else { "The number is not on the list." };
    let moves = e.list.iter().map(|m| {
        let what =
            if m.is_on { format!("put on the list ({})", m.source.to_lowercase()) } else { "taken off the list".to_owned() };
        format!("{}: {what} by {}. {}", at(m.at), m.by, m.reason)
    });
    part("Do-not-call list", std::iter::once(now.to_owned()).chain(moves).collect());
    part(
        "Attempts, the newest first; each was decided on with the list and the consent read in the same transaction",
        e.attempts.iter().map(attempted).chain(e.is_cut.then(|| "There are more, older ones.".to_owned())).collect(),
    );
    let place = format!("{}; time zones: {}", e.country.as_deref().unwrap_or("country unknown"), e.zones.join(", "));
    let packs = e.packs.iter().flat_map(|pack| {
        let title = format!("{} ({}), version {version}:", pack.title, pack.jurisdiction);
        std::iter::once(title).chain(pack.rules.iter().map(|rule| format!("- {rule}")))
    });
    part("Rules that hold for this number today", std::iter::once(place).chain(packs).collect());
    out
}

/// One attempt in a sentence or two.
fn attempted(a: &Attempt) -> String {
    let Attempt { direction, from, outcome, talk_seconds, call, .. } = a;
    let window = a.open_until.map_or_else(String::new, |until| format!("; window open until {}", until.iso()));
    let rules = if a.rules.is_empty() { String::new() } else { format!(" Allowed by {}{window}.", a.rules) };
    let no = if a.opted_out { " Asked not to be called again." } else { "" };
    let sounds = if a.recordings.is_empty() { String::new() } else { format!(" Recordings: {}.", a.recordings.join(", ")) };
    let about = if a.campaign.is_empty() { String::new() } else { format!(" for {} ({})", a.campaign, a.purpose) };
    let at = a.at.iso();
    format!("{at}: {direction} call{about}, our number {from}. {outcome}; {talk_seconds} s. {call}{rules}{no}{sounds}")
}

/// A text in lines that fit. Words that are too long are cut.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(COLUMNS) {
            let last = lines.last().map_or(0, |line| line.chars().count());
            if last > 0 && last + 1 + piece.len() > COLUMNS {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.extend(piece);
            }
        }
    }
    lines
}

/// Text as the font's encoding (WinAnsi, ISO 32000-1 annex D) has it.
fn encoded(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        '–' => 0x96,
        '—' => 0x97,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '…' => 0x85,
        '€' => 0x80,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// The document as a file.
pub(super) fn written(lines: &[Line]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, font, bold) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
    let per_page = ((PAGE.1 - 2.0 * MARGIN) / LEADING) as usize;
    let sheets: Vec<&[Line]> = lines.chunks(per_page.max(1)).collect();
    let page = |n: usize| Ref::new(10 + 2 * i32::try_from(n).unwrap_or(0));
    let content = |n: usize| Ref::new(11 + 2 * i32::try_from(n).unwrap_or(0));
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(sheets.len()).unwrap_or(0);
    pdf.pages(tree).kids((0..sheets.len()).map(page)).count(count);
    for (id, name) in [(font, "Courier"), (bold, "Courier-Bold")] {
        pdf.type1_font(id).base_font(Name(name.as_bytes())).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (n, sheet) in sheets.iter().enumerate() {
        let mut one = pdf.page(page(n));
        one.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content(n));
        let mut resources = one.resources();
        let mut fonts = resources.fonts();
        fonts.pair(Name(b"F"), font).pair(Name(b"B"), bold);
        fonts.finish();
        resources.finish();
        one.finish();
        pdf.stream(content(n), &drawn(sheet, n + 1, sheets.len()));
    }
    pdf.finish()
}

fn drawn(sheet: &[Line], number: usize, of: usize) -> Vec<u8> {
    let mut content = Content::new();
    let mut put = |font: &[u8], size: f32, y: f32, text: &str| {
        content.begin_text();
        content.set_font(Name(font), size).next_line(MARGIN, y).show(Str(&encoded(text)));
        content.end_text();
    };
    for (n, line) in sheet.iter().enumerate() {
        let y = PAGE.1 - MARGIN - LEADING * n as f32;
        match line {
            Line::Head(text) => put(b"B", SIZE, y, text),
            Line::Text(text) => put(b"F", SIZE, y, text),
        }
    }
    put(b"F", SIZE - 1.5, MARGIN / 2.0, &format!("Page {number} of {of}"));
    content.finish().into_vec()
}
