//! From cells to what a kind of import is about: pure. A row that cannot be read becomes problems, never a guess.

use crate::db::Tx;
use crate::error::Result;
use model::FieldErrors;
use model::id::ImportId;
use model::imports::{Mapping, Problem};
use sheets::{Block, unguarded};

/// Characters of a wrong value that are kept.
const VALUE_MAX: usize = 200;
/// Bytes of a refused row that are kept for the file of refused rows; cells behind them are left out.
const ROW_BYTES_MAX: usize = 2_048;

/// What a row of a kind of import is, and what is done with it.
pub(super) trait Row: Sized + Send + Sync {
    /// Reads a row.
    ///
    /// # Errors
    /// All field problems at once.
    fn read(cells: &Cells<'_>, plan: &Plan) -> std::result::Result<Self, FieldErrors>;

    /// What rows of a file are about: the first one about it counts, and those after it are duplicates, or say more about it.
    fn key(&self) -> &str;

    /// How many of these, all with different keys, are in the company already.
    async fn count_known(tx: &mut Tx, rows: &[(i64, Self)]) -> Result<i64>;

    /// Brings rows in: the `first` of each key and those that came `more` to it, in this chunk or an earlier one. What is known already is
    /// merged by the rule of the kind.
    async fn bring_in(tx: &mut Tx, import: ImportId, first: Vec<(i64, Self)>, more: Vec<(i64, Self)>) -> Result<Brought>;
}

/// What became of rows that were brought in.
#[derive(Debug, Default)]
pub(super) struct Brought {
    pub created: i64,
    /// What could only be seen with other rows at hand.
    pub refused: Vec<(Refused, FieldErrors)>,
}

/// How the rows of one import are read.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub mapping: Mapping,
    /// For rows that name no segment themselves.
    pub segment: String,
    /// For numbers without country code.
    pub region: String,
    pub delimiter: u8,
}

/// The cells of a row, by field.
pub(super) struct Cells<'a> {
    record: &'a csv::StringRecord,
    mapping: &'a Mapping,
}

impl Cells<'_> {
    /// Trimmed; empty when no column is mapped to the field. The apostrophe is taken off that keeps spreadsheets from running a cell.
    pub fn get(&self, field: &str) -> &str {
        let cell = self.mapping.column(field).and_then(|at| self.record.get(at)).unwrap_or_default();
        unguarded(cell.trim()).trim()
    }

    pub fn text(&self, field: &str) -> String {
        self.get(field).to_owned()
    }

    /// The row as it stands in the file, as much of it as is kept of one that is refused.
    pub fn kept(&self) -> Vec<String> {
        let mut left = ROW_BYTES_MAX;
        let fits = |cell: &&str| {
            let room = left.checked_sub(cell.len());
            left = room.unwrap_or(0);
            room.is_some()
        };
        self.record.iter().take_while(fits).map(str::to_owned).collect()
    }
}

/// Some rows, read, each with its line.
#[derive(Debug)]
pub(super) struct Rows<R> {
    pub rows: Vec<(i64, R)>,
    pub problems: Vec<Problem>,
    pub refused: Vec<Refused>,
}

/// A row that was refused, as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub line: i64,
    pub cells: Vec<String>,
}

impl Plan {
    pub fn read<R: Row>(&self, block: &Block) -> csv::Result<Rows<R>> {
        let mut all = Rows { rows: Vec::new(), problems: Vec::new(), refused: Vec::new() };
        for (record, line) in block.records(self.delimiter)?.iter().zip(&block.lines) {
            // Spreadsheets export rows of empty cells below the table.
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let line = i64::try_from(*line).unwrap_or(i64::MAX);
            let cells = Cells { record, mapping: &self.mapping };
            match R::read(&cells, self) {
                Ok(row) => all.rows.push((line, row)),
                Err(fields) => {
                    all.refused.push(Refused { line, cells: cells.kept() });
                    all.problems.extend(fields.into_iter().map(|(field, why)| {
                        let value = cells.get(&field).chars().take(VALUE_MAX).collect();
                        Problem { line, field, value, why }
                    }));
                }
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::contacts::NewContact;
    use model::imports::ImportKind;
    use sheets::read_block;

    fn read(header: &str, text: &str) -> Rows<NewContact> {
        let headers: Vec<String> = header.split(',').map(str::to_owned).collect();
        let mapping = Mapping::guess(ImportKind::Contacts, &headers);
        let plan = Plan { mapping, segment: "spring".into(), region: "US".into(), delimiter: b',' };
        plan.read(&read_block(&mut text.as_bytes(), b',', 2, 100, 10_000).expect("short")).expect("text")
    }

    #[test]
    fn a_row_is_read_with_all_its_columns() {
        let rows = read(
            "name,phone,email,company,time zone,segment,notes",
            "Maya Okafor,(415) 555-0123,maya@x.example,Pine,america/los_angeles,vip,\"calls back, late\"\nBo,'+44 20 7946 0018,,,Etc/GMT+3,,'=1+1\n",
        );
        assert!(rows.problems.is_empty(), "{:?}", rows.problems);
        let [(2, maya), (3, bo)] = &rows.rows[..] else { panic!("two contacts") };
        assert_eq!(
            (maya.phone.as_str(), maya.time_zone.as_deref(), maya.segment.as_str()),
            ("+14155550123", Some("America/Los_Angeles"), "vip")
        );
        assert_eq!((maya.notes.as_str(), maya.phone_raw.as_str()), ("calls back, late", "(415) 555-0123"));
        // Formulas stay text; whoever writes a spreadsheet must neutralise them, and that is taken back here.
        assert_eq!((bo.time_zone.as_deref(), bo.segment.as_str(), bo.notes.as_str()), (Some("Etc/GMT+3"), "spring", "=1+1"));
    }

    #[test]
    fn every_problem_of_a_row_is_named_with_line_and_value() {
        let rows = read(
            "name,phone,email,time zone",
            "A,+14155550123,a@x.example,Mars/Olympus\n\n,12,not an address\n,,,\nOnly a name\n",
        );
        assert!(rows.rows.is_empty());
        let told: Vec<_> = rows.problems.iter().map(|p| (p.line, p.field.as_str(), p.value.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "time_zone", "Mars/Olympus"),
                (4, "email", "not an address"),
                (4, "name", ""),
                (4, "phone", "12"),
                (6, "phone", "")
            ]
        );
        assert_eq!(rows.refused.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 6]);
        assert_eq!(rows.refused[1].cells, ["", "12", "not an address"]);
    }

    #[test]
    fn of_a_long_row_the_beginning_is_kept() {
        let rows = read("name,phone,notes", &format!("Ada,12,{}\n", "x".repeat(ROW_BYTES_MAX)));
        assert_eq!(rows.refused[0].cells, ["Ada", "12"]);
    }
}
