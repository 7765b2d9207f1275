//! Do-not-call numbers from a file. A number that is on the list stays as it is.

use super::rows::{Brought, Cells, Plan, Row};
use crate::db::Tx;
use crate::error::Result;
use crate::{phones, suppressions};
use model::FieldErrors;
use model::id::ImportId;
use model::phone::Phone;

/// A row of such a file.
#[derive(Debug)]
pub(super) struct NewSuppression {
    phone: Phone,
    reason: String,
}

impl Row for NewSuppression {
    fn read(cells: &Cells<'_>, plan: &Plan) -> std::result::Result<Self, FieldErrors> {
        let phone = phones::parse(cells.get("phone"), &plan.region);
        let reason = suppressions::check_reason(cells.get("reason"));
        let told = |field: &str, why: String| FieldErrors::from([(field.to_owned(), why)]);
        match (phone, reason) {
            (Ok(phone), Ok(reason)) => Ok(Self { phone, reason }),
            (Ok(_), Err(why)) => Err(told("reason", why.to_owned())),
            (Err(why), reason) => {
                let mut all = told("phone", why.to_owned());
                all.extend(reason.err().into_iter().flat_map(|why| told("reason", why.to_owned())));
                Err(all)
            }
        }
    }

    fn key(&self) -> &str {
        self.phone.as_str()
    }

    async fn count_known(tx: &mut Tx, rows: &[(i64, Self)]) -> Result<i64> {
        let phones: Vec<Phone> = rows.iter().map(|(_, row)| row.phone.clone()).collect();
        Ok(suppressions::is_suppressed(tx, &phones).await?.len() as i64)
    }

    async fn bring_in(tx: &mut Tx, import: ImportId, first: Vec<(i64, Self)>, _: Vec<(i64, Self)>) -> Result<Brought> {
        let (phones, reasons): (Vec<Phone>, Vec<String>) = first.into_iter().map(|(_, row)| (row.phone, row.reason)).unzip();
        Ok(Brought { created: suppressions::bring_in(tx, import, &phones, &reasons).await?, ..Brought::default() })
    }
}
