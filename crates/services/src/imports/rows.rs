//! From cells to contacts: pure. A row that cannot be read becomes problems, never a guess.

use super::records::Block;
use crate::contacts::read_form;
use model::contacts::{ContactForm, NewContact};
use model::imports::{Mapping, Problem};

/// Characters of a wrong value that are kept.
const VALUE_MAX: usize = 200;

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

/// Some rows, read.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub contacts: Vec<NewContact>,
    pub problems: Vec<Problem>,
    /// Rows with problems.
    pub invalid: i64,
}

impl Plan {
    pub fn read(&self, block: &Block) -> csv::Result<Rows> {
        let mut rows = Rows::default();
        let columns = ["name", "phone", "email", "company", "time_zone", "segment", "notes"].map(|f| self.mapping.column(f));
        for (record, line) in block.records(self.delimiter)?.iter().zip(&block.lines) {
            // Spreadsheets export rows of empty cells below the table.
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let [name, phone, email, company, time_zone, segment, notes] =
                columns.map(|at| at.and_then(|i| record.get(i)).unwrap_or_default().trim().to_owned());
            let segment = if segment.is_empty() { self.segment.clone() } else { segment };
            let form = ContactForm { name, phone, email, company, time_zone, segment, notes };
            match read_form(&form, &self.region) {
                Ok(contact) => rows.contacts.push(contact),
                Err(fields) => {
                    rows.invalid += 1;
                    rows.problems.extend(fields.into_iter().map(|(field, why)| {
                        let value = value(&form, &field).chars().take(VALUE_MAX).collect();
                        Problem { line: i64::try_from(*line).unwrap_or(i64::MAX), field, value, why }
                    }));
                }
            }
        }
        Ok(rows)
    }
}

fn value<'a>(form: &'a ContactForm, field: &str) -> &'a str {
    match field {
        "name" => &form.name,
        "phone" => &form.phone,
        "email" => &form.email,
        "company" => &form.company,
        "time_zone" => &form.time_zone,
        "segment" => &form.segment,
        _ => &form.notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::records::read_block;
    use model::imports::ImportKind;

    fn read(header: &str, text: &str) -> Rows {
        let headers: Vec<String> = header.split(',').map(str::to_owned).collect();
        let mapping = Mapping::guess(ImportKind::Contacts, &headers);
        let plan = Plan { mapping, segment: "spring".into(), region: "US".into(), delimiter: b',' };
        plan.read(&read_block(&mut text.as_bytes(), b',', 2, 100, 1_000).expect("short")).expect("text")
    }

    #[test]
    fn a_row_is_read_with_all_its_columns() {
        let rows = read(
            "name,phone,email,company,time zone,segment,notes",
            "Maya Okafor,(415) 555-0123,maya@x.example,Pine,america/los_angeles,vip,\"calls back, late\"\nBo,+44 20 7946 0018,,,Etc/GMT+3,,=1+1\n",
        );
        assert!(rows.problems.is_empty(), "{:?}", rows.problems);
        let [maya, bo] = &rows.contacts[..] else { panic!("two contacts") };
        assert_eq!(
            (maya.phone.as_str(), maya.time_zone.as_deref(), maya.segment.as_str()),
            ("+14155550123", Some("America/Los_Angeles"), "vip")
        );
        assert_eq!((maya.notes.as_str(), maya.phone_raw.as_str()), ("calls back, late", "(415) 555-0123"));
        // Formulas stay text; whoever writes a spreadsheet must neutralise them.
        assert_eq!((bo.time_zone.as_deref(), bo.segment.as_str(), bo.notes.as_str()), (Some("Etc/GMT+3"), "spring", "=1+1"));
    }

    #[test]
    fn every_problem_of_a_row_is_named_with_line_and_value() {
        let rows = read(
            "name,phone,email,time zone",
            "A,+14155550123,a@x.example,Mars/Olympus\n\n,12,not an address\n,,,\nOnly a name\n",
        );
        assert!(rows.contacts.is_empty());
        assert_eq!(rows.invalid, 3);
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
    }
}
