//! Workbooks for tests, good and bad: archives made part by part.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// A part of an archive and what its directory says about it.
pub struct Part<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// The size that is claimed; nothing for the true one.
    pub claimed: Option<u32>,
}

/// An archive of these parts, all deflated.
pub fn archive(parts: &[Part<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let mut crc = Crc::new();
        crc.update(part.bytes);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(part.bytes).expect("memory");
        let packed = deflate.finish().expect("memory");
        let size = part.claimed.unwrap_or(part.bytes.len() as u32);
        let mut head = Vec::new();
        head.extend([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
        for number in [crc.sum(), packed.len() as u32, size] {
            head.extend(number.to_le_bytes());
        }
        head.extend((part.name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(part.name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(head);
        out.extend(part.name.as_bytes());
        out.extend(packed);
    }
    let begin = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(parts.len() as u16).to_le_bytes(); 2].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(begin.to_le_bytes());
    out.extend([0, 0]);
    out
}

const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook with these parts in the places where Excel puts them: the rows of its sheet, its shared texts and its styles.
pub fn xlsx(sheet: &str, shared: &str, styles: &str) -> Vec<u8> {
    let relations = |all: &[(&str, &str)]| {
        let all = all.iter().enumerate();
        let lines = all
            .map(|(n, (kind, target))| format!("<Relationship Id=\"rId{}\" Type=\"{TYPE}/{kind}\" Target=\"{target}\"/>", n + 1));
        format!("<?xml version=\"1.0\"?><Relationships>{}</Relationships>", lines.collect::<String>())
    };
    let root = relations(&[("officeDocument", "xl/workbook.xml")]);
    let book = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    let others = relations(&[
        ("worksheet", "worksheets/sheet1.xml"),
        ("sharedStrings", "sharedStrings.xml"),
        ("styles", "/xl/styles.xml"),
    ]);
    let parts = [
        ("_rels/.rels", root.as_str()),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", others.as_str()),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", shared),
        ("xl/styles.xml", styles),
    ];
    let parts = parts.map(|(name, text)| Part { name, bytes: text.as_bytes(), claimed: None });
    archive(&parts)
}

/// A workbook whose sheet has these rows of texts.
pub fn xlsx_of(rows: &[&[&str]]) -> Vec<u8> {
    let cell = |text: &&str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    let row = |cells: &&[&str]| format!("<row>{}</row>", cells.iter().map(cell).collect::<String>());
    let sheet = format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.iter().map(row).collect::<String>());
    xlsx(&sheet, "<sst/>", "<styleSheet/>")
}

/// An OpenDocument spreadsheet with this inside of its first table.
pub fn ods(table: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content><office:body><office:spreadsheet><table:table table:name=\"People\">{table}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let parts = [("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_str())];
    archive(&parts.map(|(name, text)| Part { name, bytes: text.as_bytes(), claimed: None }))
}
