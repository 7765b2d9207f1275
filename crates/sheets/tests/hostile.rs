//! Files that want to be more than they are. Each is refused with its reason; how much of it was read, and how much was written, says
//! that it was refused at once.

use sheets::testing::{Part, archive, ods, xlsx, xlsx_of};
use sheets::{Failure, Intake, Refusal, is_workbook, unpack};
use std::fmt::Write as _;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::time::Instant;

/// Bytes that may be read of a file beyond its directory before it is refused.
const READ_MAX: usize = 200 * 1024;

struct Counted<'a> {
    file: Cursor<&'a [u8]>,
    read: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Why it is refused, and how many bytes of it were read and written until then.
fn refused(what: &str, file: &[u8]) -> (Refusal, usize, usize) {
    assert!(is_workbook(file));
    let (mut source, mut out, begin) = (Counted { file: Cursor::new(file), read: 0 }, Vec::new(), Instant::now());
    let error = unpack(&mut source, &mut out).expect_err(what);
    println!("{what}: {error} ({:?}, {} of {} bytes read)", begin.elapsed(), source.read, file.len());
    let Failure::Refused(refusal) = error else { panic!("{what}: {error}") };
    (refusal, source.read, out.len())
}

fn at_once(what: &str, file: &[u8], why: Refusal) {
    let (refusal, read, written) = refused(what, file);
    assert_eq!(refusal, why, "{what}");
    assert!(read <= READ_MAX && written <= READ_MAX, "{what}: {read} bytes read, {written} written");
}

fn book(sheet: &str) -> Vec<u8> {
    xlsx(sheet, "<sst/>", "<styleSheet/>")
}

fn part<'a>(name: &'a str, bytes: &'a [u8]) -> Part<'a> {
    Part { name, bytes, claimed: None }
}

#[test]
fn a_bomb_is_seen_in_the_directory() {
    let sheet = format!("<worksheet><sheetData>{}", " ".repeat(40 * 1024 * 1024));
    at_once("a zip bomb", &book(&sheet), Refusal::Bomb);
}

#[test]
fn a_bomb_that_lies_about_its_size_stops_where_its_lie_ends() {
    let spaces = vec![b' '; 40 * 1024 * 1024];
    let content = [b"<office:document-content>".as_slice(), &spaces].concat();
    let file = archive(&[
        part("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        Part { name: "content.xml", bytes: &content, claimed: Some(1_000) },
    ]);
    at_once("a lying bomb", &file, Refusal::Bomb);
}

#[test]
fn a_part_that_claims_gigabytes_is_not_begun() {
    let file = archive(&[
        part("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        Part { name: "content.xml", bytes: b"<a/>", claimed: Some(u32::MAX - 1) },
    ]);
    at_once("a claim", &file, Refusal::Bomb);
}

#[test]
fn a_million_rows_by_sixteen_thousand_columns_are_only_words() {
    let mut sheet = "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>".to_owned();
    sheet += "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"A1048576\"><v>1</v></c></row></sheetData></worksheet>";
    // Its two cells are a column of a million lines, of which all but two are blank: a megabyte, and not sixteen billion cells.
    let mut out = Vec::new();
    unpack(Cursor::new(book(&sheet)), &mut out).expect("a table");
    assert_eq!(out.len(), 1_048_578);
    let wide = sheet.replace("A1048576", "XFD1048576");
    at_once("a cell in column XFD", &book(&wide), Refusal::TooManyColumns(16_384));
    let mut row = String::from("<worksheet><sheetData><row>");
    for _ in 0..10_000 {
        row += "<c><v>1</v></c>";
    }
    at_once("10,000 columns", &book(&(row + "</row></sheetData></worksheet>")), Refusal::TooManyColumns(201));
    let far = sheet.replace("\"1048576\"", "\"99999999999\"").replace("A1048576", "A99999999999");
    at_once("row 99,999,999,999", &book(&far), Refusal::TooManyRows);
}

#[test]
fn entities_are_not_expanded() {
    let mut laughs = String::from("<!DOCTYPE worksheet [<!ENTITY a \"ha\">");
    for (one, other) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        write!(laughs, "<!ENTITY {other} \"{}\">", format!("&{one};").repeat(10)).expect("memory");
    }
    let sheet = format!("{laughs}]><worksheet><sheetData><row><c t=\"str\"><v>&i;</v></c></row></sheetData></worksheet>");
    at_once("billion laughs", &book(&sheet), Refusal::Entities);
    at_once("an unknown entity", &book("<worksheet><sheetData><row><c t=\"str\"><v>&i;</v></c></row>"), Refusal::Entities);
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><office:document-content/>";
    let file =
        archive(&[part("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), part("content.xml", outside.as_bytes())]);
    at_once("an entity of the system", &file, Refusal::Entities);
}

#[test]
fn shared_texts_have_an_end() {
    // One text that a thousand cells share would be written a thousand times: the lines have their length.
    let text = "x".repeat(60 * 1024);
    let shared = format!("<sst><si><t>{text}</t></si></sst>");
    let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(100));
    let sheet = format!("<worksheet><sheetData>{}</sheetData></worksheet>", row.repeat(100));
    let (refusal, _, written) = refused("a shared text in every cell", &xlsx(&sheet, &shared, "<styleSheet/>"));
    assert_eq!((refusal, written), (Refusal::LongLine(1), 0));
    let many = format!("<sst>{}</sst>", format!("<si><t>{}</t></si>", "y".repeat(32 * 1024)).repeat(600));
    at_once("20 MB of one text", &xlsx("<worksheet/>", &many, "<styleSheet/>"), Refusal::Bomb);
    // Packed no better than a table is, because the texts are long and different.
    let mut luck = 1_u32;
    let noise: String = (0..2_000)
        .map(|_| {
            luck = luck.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{luck:08x}")
        })
        .collect();
    let varied: String = (0..3_200).map(|n| format!("<si><t>{n}{noise}</t></si>")).collect();
    let (refusal, ..) =
        refused("51 MB of different texts", &xlsx("<worksheet/>", &format!("<sst>{varied}</sst>"), "<styleSheet/>"));
    assert_eq!(refusal, Refusal::TooMuchText);
    let none = "<worksheet><sheetData><row><c t=\"s\"><v>7</v></c></row></sheetData></worksheet>";
    at_once("a text that is not there", &book(none), Refusal::Damaged);
}

#[test]
fn one_cell_and_one_tag_have_an_end() {
    let long: String = (0..60_000_u32).map(|n| format!("{n:08x}")).collect();
    at_once("a long cell", &book(&format!("<worksheet><sheetData><row><c t=\"str\"><v>{long}")), Refusal::TooMuchText);
    at_once("a long tag", &book(&format!("<worksheet {long}=\"\">")), Refusal::TooMuchText);
    let deep: String = (0..5_000_u32).map(|n| format!("<a{n}>")).collect();
    at_once("5,000 elements inside each other", &book(&deep), Refusal::Bomb);
}

#[test]
fn repeats_of_an_open_document_stop() {
    let cell = |repeats: &str| {
        format!("<table:table-row {repeats}><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>")
    };
    at_once("rows without end", &ods(&cell("table:number-rows-repeated=\"18446744073709551615\"")), Refusal::Bomb);
    let wide = "<table:table-row><table:table-cell table:number-columns-repeated=\"4294967295\"><text:p>x</text:p></table:table-cell></table:table-row>";
    at_once("columns without end", &ods(wide), Refusal::TooManyColumns(201));
}

#[test]
fn a_directory_of_too_many_parts_is_not_taken_in() {
    let names: Vec<String> = (0..3_000).map(|n| format!("part{n}")).collect();
    let parts: Vec<Part> = names.iter().map(|name| part(name, b"")).collect();
    at_once("3,000 parts", &archive(&parts), Refusal::Bomb);
}

#[test]
fn other_archives_say_what_they_lack() {
    at_once("a plain archive", &archive(&[part("a.csv", b"name,phone\n")]), Refusal::NoSheet);
    let text = archive(&[part("mimetype", b"application/vnd.oasis.opendocument.text"), part("content.xml", b"<a/>")]);
    at_once("a text document", &text, Refusal::NoSheet);
    at_once("a beginning and nothing else", b"PK\x03\x04 and the rest of a workbook", Refusal::Damaged);
    at_once("no rows", &book("<worksheet><sheetData/></worksheet>"), Refusal::Empty);
    at_once("a header", &xlsx_of(&[&["name", "phone"]]), Refusal::NoRows);
    at_once("a NUL", &xlsx_of(&[&["name"], &["a_x0000_b"]]), Refusal::Binary);
    let mut broken = xlsx_of(&[&["name"], &["Ada"]]);
    let at = broken.windows(12).position(|w| w == b"sheet1.xml\xb5\x55" || w.starts_with(b"sheet1.xml")).expect("the part") + 14;
    broken[at] ^= 0xff;
    at_once("a flipped byte", &broken, Refusal::Damaged);
}

#[test]
fn any_bytes_are_a_table_or_refused() {
    let good = xlsx_of(&[&["name", "phone"], &["Ada", "+12025550123"], &["Bo", "+12025550124"]]);
    for at in 0..good.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut file = good.clone();
            file[at] ^= flip;
            if let Err(error) = unpack(Cursor::new(&file), io::sink()) {
                assert!(matches!(error, Failure::Refused(_)), "byte {at}: {error:?}");
            }
        }
        if let Err(error) = unpack(Cursor::new(&good[..at]), io::sink()) {
            assert!(matches!(error, Failure::Refused(_)), "cut at {at}: {error:?}");
        }
    }
}

#[test]
fn lines_without_end_stop_early() {
    for (what, piece, why) in [
        ("a line of a gigabyte", vec![b'x'; 16 * 1024], "Line 1 is longer than 64 KB"),
        ("an open quotation mark", [b"a,b\n\"".as_slice(), &[b'\n'; 16 * 1024]].concat(), "Line 2 is longer than 64 KB"),
        ("10,000 columns", ((0..10_000).map(|n| format!("c{n},")).collect::<String>() + "\n").into_bytes(), "columns"),
        ("nothing but ends of lines", vec![b'\n'; 16 * 1024], "longer than 64 KB"),
    ] {
        let (mut intake, begin, mut pushed) = (Intake::default(), Instant::now(), 0);
        let refusal = loop {
            assert!(pushed < 1024 * 1024, "{what}: a megabyte was taken in");
            pushed += piece.len();
            // Only the first piece has a beginning.
            if let Err(refusal) = intake.push(if pushed == piece.len() { &piece } else { &piece[piece.len() / 2..] }) {
                break refusal;
            }
        };
        println!("{what}: {refusal} ({:?}, {pushed} bytes read)", begin.elapsed());
        assert!(refusal.to_string().contains(why), "{what}: {refusal}");
    }
}
