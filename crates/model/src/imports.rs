//! Imports: which columns there are, how a file's columns map to them, and how far a run has come.

use crate::accounts::Permission;
use crate::error::{Check, Error, Result};
use crate::id::ImportId;
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

/// Largest upload in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Longest line; a longer one is not a spreadsheet.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most columns.
pub const COLUMNS_MAX: usize = 200;
/// Most rows per file.
pub const ROWS_MAX: u64 = 5_000_000;
/// Problems kept per import; the rest is only counted.
pub const PROBLEMS_MAX: i64 = 10_000;

words! {
    /// What is being imported.
    pub enum ImportKind {
        Contacts = "contacts", "Contacts";
        Suppressions = "suppressions", "Suppressions";
        Leads = "leads", "Leads";
        Orders = "orders", "Orders";
    }
}

words! {
    /// How far an import is.
    pub enum ImportStatus {
        /// The file is stored and its head was read; columns wait to be mapped.
        Pending = "pending", "Waiting for columns";
        Validating = "validating", "Checking";
        /// The dry run is done; its counts are there.
        Checked = "checked", "Checked";
        Running = "running", "Running";
        Completed = "completed", "Completed";
        Failed = "failed", "Failed";
        Cancelled = "cancelled", "Cancelled";
        /// What it brought in is being taken out again.
        Undoing = "undoing", "Undoing";
        Undone = "undone", "Undone";
    }
}

impl ImportStatus {
    /// Its file is read to where it will be read.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Undoing | Self::Undone)
    }

    /// Rows are being read or taken out at this moment.
    pub const fn is_moving(self) -> bool {
        matches!(self, Self::Validating | Self::Running | Self::Undoing)
    }
}

/// A column of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub required: bool,
    /// Lower-case header words that mean this field.
    pub synonyms: &'static [&'static str],
}

/// Words over a column of phone numbers.
const PHONE: &[&str] = &["phone", "phone number", "mobile", "cell", "telephone", "tel", "number", "contact number"];

/// The same where other numbers stand beside it.
const PHONE_OF_ORDER: &[&str] = &[
    "phone",
    "phone number",
    "mobile",
    "customer phone",
    "billing phone",
    "shipping phone",
    "telephone",
    "tel",
    "contact number",
];

/// A header in plain words: `E-Mail_Address` and `e mail address` are one.
pub fn plain_header(header: &str) -> String {
    header.trim().to_lowercase().replace(['_', '-', '.'], " ")
}

impl ImportKind {
    /// One of what is imported, and several of them.
    pub const fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Self::Contacts => ("contact", "contacts"),
            Self::Suppressions => ("number", "numbers"),
            Self::Leads => ("lead", "leads"),
            Self::Orders => ("order", "orders"),
        }
    }

    /// What somebody needs to import it: what a file does to a list is what they could do by hand.
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Contacts => &[Permission::ImportContacts],
            Self::Suppressions => &[Permission::ImportContacts, Permission::ManageSuppressions],
            Self::Leads | Self::Orders => &[Permission::ImportContacts, Permission::ManageContacts],
        }
    }

    /// The columns a file may be mapped to.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Contacts => CONTACT,
            Self::Suppressions => SUPPRESSION,
            Self::Leads => LEAD,
            Self::Orders => ORDER,
        }
    }
}

const fn field(name: &'static str, label: &'static str, synonyms: &'static [&'static str]) -> Field {
    Field { name, label, required: false, synonyms }
}

const fn needed(name: &'static str, label: &'static str, synonyms: &'static [&'static str]) -> Field {
    Field { name, label, required: true, synonyms }
}

const CONTACT: &[Field] = &[
    needed("name", "Name", &["name", "full name", "contact", "contact name", "customer", "first name"]),
    needed("phone", "Phone", PHONE),
    field("email", "E-mail", &["email", "e mail", "mail", "email address"]),
    field("company", "Company", &["company", "organisation", "organization", "business", "account"]),
    field("time_zone", "Time zone", &["time zone", "timezone", "tz", "zone"]),
    field("segment", "Segment", &["segment", "list", "group", "tag", "category"]),
    field("notes", "Notes", &["notes", "note", "comment", "comments", "remarks"]),
];

const SUPPRESSION: &[Field] =
    &[needed("phone", "Phone", PHONE), field("reason", "Reason", &["reason", "why", "note", "notes", "comment", "remarks"])];

const LEAD: &[Field] = &[
    field("name", "Name", &["name", "full name", "contact", "contact name", "customer", "first name", "lead"]),
    needed("phone", "Phone", PHONE),
    field("email", "E-mail", &["email", "e mail", "mail", "email address"]),
    field("status", "Status", &["status", "stage", "lead status"]),
    field("next_action", "Next action", &["next action", "next step", "action", "todo"]),
    field("follow_up_on", "Follow-up date", &["follow up on", "follow up", "follow up date", "due", "due date"]),
    field("notes", "Notes", &["notes", "note", "comment", "comments", "remarks"]),
];

const ORDER: &[Field] = &[
    needed("number", "Order number", &["order number", "order", "order no", "order id", "number", "name", "id"]),
    needed("phone", "Customer phone", PHONE_OF_ORDER),
    field("name", "Customer name", &["customer name", "customer", "full name", "billing name", "contact name"]),
    field("email", "Customer e-mail", &["email", "e mail", "mail", "email address", "customer email"]),
    field("sku", "SKU", &["sku", "lineitem sku", "item sku", "article", "article number", "product code"]),
    field("product", "Product", &["product", "product name", "item", "item name", "lineitem name", "description", "title"]),
    field("category", "Category", &["category", "product category", "type"]),
    field("brand", "Brand", &["brand", "vendor", "manufacturer"]),
    field("quantity", "Quantity", &["quantity", "qty", "lineitem quantity", "pieces", "amount"]),
    needed("price", "Price", &["price", "unit price", "lineitem price", "item price"]),
    needed("currency", "Currency", &["currency", "currency code"]),
    field("status", "Status", &["status", "order status", "financial status"]),
    field("ordered_on", "Ordered on", &["ordered on", "order date", "date", "created at", "day"]),
    field("notes", "Notes", &["notes", "note", "comment", "comments", "remarks"]),
];

/// For each column of the file, the name of the target field, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mapping(pub Vec<Option<String>>);

impl Mapping {
    /// Guesses from header words, each field at most once.
    pub fn guess(kind: ImportKind, headers: &[String]) -> Self {
        Self::learned(kind, headers, &[])
    }

    /// The same, but what a header was mapped to before counts more than its words. `earlier`: headers and their fields, the newest first.
    pub fn learned(kind: ImportKind, headers: &[String], earlier: &[(String, Option<String>)]) -> Self {
        let earlier: Vec<(String, &str)> =
            earlier.iter().filter_map(|(header, field)| Some((plain_header(header), field.as_deref()?))).collect();
        let headers: Vec<String> = headers.iter().map(|header| plain_header(header)).collect();
        let (mut all, mut taken) = (vec![None; headers.len()], Vec::new());
        let chosen = |plain: &str, field: &Field| earlier.iter().find(|(h, _)| h == plain).is_some_and(|(_, f)| *f == field.name);
        let named = |plain: &str, field: &Field| field.synonyms.contains(&plain) || plain_header(field.name) == plain;
        for by_choice in [true, false] {
            let fits = |header: &str, field: &Field| if by_choice { chosen(header, field) } else { named(header, field) };
            for (header, guess) in headers.iter().zip(&mut all).filter(|(_, guess)| guess.is_none()) {
                let field = kind.fields().iter().find(|f| !taken.contains(&f.name) && fits(header, f));
                taken.extend(field.map(|f| f.name));
                *guess = field.map(|f| f.name.to_owned());
            }
        }
        Self(all)
    }

    /// Every required field is mapped, each field once, and only fields of the kind.
    pub fn check(&self, kind: ImportKind) -> Result<()> {
        let mut check = Check::new();
        for field in kind.fields() {
            let columns = self.0.iter().flatten().filter(|f| f.as_str() == field.name).count();
            check.need(
                !field.required || columns > 0,
                field.name,
                &format!("Choose the column that holds {}.", field.label.to_lowercase()),
            );
            check.need(columns <= 1, field.name, &format!("Only one column can be {}.", field.label.to_lowercase()));
        }
        check.done()?;
        match self.0.iter().flatten().find(|f| !kind.fields().iter().any(|k| k.name == f.as_str())) {
            Some(_) => Err(Error::field("mapping", "A column is mapped to a field that does not exist.")),
            None => Ok(()),
        }
    }

    /// The column index of a field.
    pub fn column(&self, field: &str) -> Option<usize> {
        self.0.iter().position(|f| f.as_deref() == Some(field))
    }
}

/// Counts of a dry run or a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Data rows read so far.
    pub rows: i64,
    pub created: i64,
    /// Known phone: empty fields were filled in, nothing was overwritten.
    pub merged: i64,
    /// The same phone earlier in this file.
    pub duplicates: i64,
    /// Rows left out, each with a problem.
    pub invalid: i64,
}

/// What undoing an import did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Undone {
    /// Created by the import and taken out again.
    pub removed: i64,
    /// Created by the import and in use by now: called, enrolled, changed by hand or named by somebody else.
    pub kept: i64,
    /// Merged by the import and as before again.
    pub restored: i64,
}

/// One import on its page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Import {
    pub id: ImportId,
    pub kind: ImportKind,
    pub file_name: String,
    pub file_bytes: i64,
    pub status: ImportStatus,
    pub headers: Vec<String>,
    /// The first rows of the file, for the mapper.
    pub samples: Vec<Vec<String>>,
    pub mapping: Mapping,
    /// The character encoding that was detected.
    pub encoding: String,
    pub delimiter: char,
    /// Of the dry run.
    pub checked: Counts,
    /// Of the run.
    pub done: Counts,
    /// Bytes read of `file_bytes`, by whichever phase is under way.
    pub bytes_done: i64,
    /// Why it failed, for people.
    pub failure: Option<String>,
    pub segment: String,
    /// The saved mapping by which the columns were guessed.
    pub mapping_name: Option<String>,
    pub undone: Undone,
    pub created_at: Moment,
    pub finished_at: Option<Moment>,
    /// Of the phase under way or the last one; for rows per second.
    pub seconds: i64,
}

impl Import {
    /// Share of the file that is read, 0 to 100.
    pub fn percent(&self) -> i64 {
        if matches!(self.status, ImportStatus::Completed | ImportStatus::Undone) {
            100
        } else {
            (self.bytes_done * 100 / self.file_bytes.max(1)).clamp(0, 100)
        }
    }
}

impl Import {
    /// Whether there is something that could be taken out again.
    pub const fn can_undo(&self) -> bool {
        self.done.created + self.done.merged > 0
            && matches!(self.status, ImportStatus::Completed | ImportStatus::Failed | ImportStatus::Cancelled)
    }
}

/// One row that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// Line in the file, counted from 1, the header included.
    pub line: i64,
    pub field: String,
    pub value: String,
    pub why: String,
}

/// What the imports list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ImportFilter {
    pub status: Option<ImportStatus>,
    pub paging: Paging,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn headers_are_guessed_once_each() {
        let guess = Mapping::guess(ImportKind::Contacts, &headers(&["Full_Name", "Mobile", "Phone", "E-Mail", "Shoe size"]));
        let expected = [Some("name"), Some("phone"), None, Some("email"), None].map(|f| f.map(str::to_owned));
        assert_eq!(guess.0, expected);
    }

    #[test]
    fn guesses_learn_from_what_was_chosen_before() {
        let chosen = |header: &str, field: Option<&str>| (header.to_owned(), field.map(str::to_owned));
        let earlier = [chosen("Durchwahl", Some("phone")), chosen("Kunde", Some("name")), chosen("KUNDE", Some("notes"))];
        let learn = |words: &[&str]| Mapping::learned(ImportKind::Contacts, &headers(words), &earlier).0;
        assert_eq!(learn(&["kunde", "Phone", "durchwahl"]), [Some("name"), None, Some("phone")].map(|f| f.map(str::to_owned)));
        // What was left out once may be wanted in another file.
        let earlier = [chosen("Phone", None)];
        assert_eq!(Mapping::learned(ImportKind::Contacts, &headers(&["Phone"]), &earlier).0, [Some("phone".to_owned())]);
        let earlier = [chosen("Phone", Some("gone"))];
        assert_eq!(Mapping::learned(ImportKind::Contacts, &headers(&["Phone"]), &earlier).0, [Some("phone".to_owned())]);
    }

    #[test]
    fn a_mapping_needs_its_required_fields_once() {
        let map =
            |fields: &[Option<&str>]| Mapping(fields.iter().map(|f| f.map(str::to_owned)).collect()).check(ImportKind::Contacts);
        assert!(map(&[Some("name"), Some("phone")]).is_ok());
        assert!(map(&[Some("name"), None]).expect_err("no phone").of_field("phone").is_some());
        assert!(map(&[Some("name"), Some("phone"), Some("phone")]).is_err());
        assert!(map(&[Some("name"), Some("phone"), Some("company_id")]).is_err());
    }
}
