//! Workbooks as programs write them: what comes out, line for line.

use sheets::testing::{ods, xlsx, xlsx_of};
use sheets::{Failure, Table, unpack};
use std::io::Cursor;

fn lines(file: &[u8]) -> (Table, String) {
    let mut out = Vec::new();
    let table = unpack(Cursor::new(file), &mut out).expect("a table");
    (table, String::from_utf8(out).expect("UTF-8"))
}

const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>\
    <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>";

#[test]
fn an_xlsx_becomes_lines_whose_numbers_are_those_of_its_rows() {
    let shared = "<sst><si><t>Name</t></si><si><t>Phone</t></si><si><r><t>Ma</t></r><r><t xml:space=\"preserve\">ya, \"M\"</t></r>\
        <rPh><t>reading</t></rPh></si><si><t>two&#10;lines &amp; more</t></si></sst>";
    let sheet = "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>\
        <row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"str\"><v>Since</v></c><c r=\"D1\" t=\"inlineStr\"><is><t>Paid</t></is></c></row>\
        <row r=\"3\"><c r=\"A3\" t=\"s\"><v>2</v></c><c r=\"B3\"><v>971501234567</v></c><c r=\"C3\" s=\"1\"><v>45000</v></c><c r=\"D3\" t=\"b\"><v>1</v></c></row>\
        <row r=\"4\"><c r=\"A4\" s=\"1\"/><c r=\"B4\"><v>9.71501234567E+11</v></c><c r=\"D4\"><f>SUM(1,2)</f><v>3</v></c></row>\
        <row r=\"5\"><c r=\"A5\" t=\"s\"><v>3</v></c><c r=\"B5\"><v>9.71501E+11</v></c><c r=\"C5\" s=\"2\"><v>45000.5</v></c><c r=\"D5\" t=\"str\"><f>\"=\"&amp;1</f><v>=1</v></c></row>\
        <row r=\"9\"><c r=\"A9\" t=\"s\"><v>0</v></c></row></sheetData></worksheet>";
    let (table, text) = lines(&xlsx(sheet, shared, STYLES));
    assert_eq!((table.encoding, table.delimiter, table.headers.join("|").as_str()), ("XLSX", b',', "Name|Phone|Since|Paid"));
    assert_eq!(
        text,
        "Name,Phone,Since,Paid\n\
         \n\
         \"Maya, \"\"M\"\"\",971501234567,2023-03-15,TRUE\n\
         ,971501234567,,3\n\
         two lines & more,9.71501E+11,2023-03-15 12:00:00,=1\n\
         \n\n\n\
         Name\n"
    );
    assert_eq!(table.samples[1], ["", "971501234567", "", "3"]);
}

#[test]
fn rows_and_cells_without_numbers_follow_each_other() {
    let (table, text) = lines(&xlsx_of(&[&["a;b", "c"], &["1", ""], &["", "2<3"]]));
    // A semicolon in a name does not make the commas of a workbook another delimiter.
    assert_eq!((table.headers, text.as_str()), (vec!["a;b".to_owned(), "c".to_owned()], "a;b,c\n1\n,2<3\n"));
}

#[test]
fn an_ods_becomes_lines_too() {
    let (table, text) = lines(&ods(
        "<table:table-column table:number-columns-repeated=\"16384\"/><table:table-header-rows><table:table-row>\
         <table:table-cell office:value-type=\"string\"><text:p>Name</text:p></table:table-cell>\
         <table:table-cell office:value-type=\"string\"><text:p>Phone</text:p></table:table-cell>\
         <table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row></table:table-header-rows>\
         <table:table-row table:number-rows-repeated=\"2\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         <table:table-row><table:table-cell office:value-type=\"string\"><office:annotation><text:p>note</text:p></office:annotation>\
         <text:p>Ada<text:s text:c=\"2\"/>L.</text:p><text:p>Lovelace</text:p></table:table-cell>\
         <table:table-cell office:value-type=\"float\" office:value=\"971501234567\"><text:p>9.72E+11</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated=\"2\"><table:covered-table-cell/>\
         <table:table-cell office:value-type=\"date\" office:date-value=\"2026-01-02T03:04:05\"><text:p>2. Jan</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>",
    ));
    assert_eq!((table.encoding, table.headers.join("|").as_str()), ("ODS", "Name|Phone"));
    assert_eq!(text, "Name,Phone\n\n\nAda  L. Lovelace,971501234567\n,2026-01-02 03:04:05\n,2026-01-02 03:04:05\n");
}

#[test]
fn what_reads_badly_breaks_as_io_and_not_as_a_refusal() {
    struct Broken;
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = unpack(Cursor::new(xlsx_of(&[&["a"], &["1"]])), Broken).expect_err("no room");
    assert!(matches!(error, Failure::Io(_)), "{error:?}");
}
