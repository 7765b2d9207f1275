//! Leads from a file. Whoever has a lead that lives keeps it as it is. People who are new come along, and all of them are the import's
//! people.

use super::rows::{Brought, Cells, Plan, Refused, Row};
use crate::db::Tx;
use crate::error::Result;
use crate::leads;
use model::FieldErrors;
use model::id::{ImportId, LeadId};
use model::leads::{LeadForm, LeadStatus};
use model::phone::Phone;
use std::collections::HashSet;

/// A row of such a file.
#[derive(Debug)]
pub(super) struct NewLead {
    phone: Phone,
    form: LeadForm,
    cells: Vec<String>,
}

impl Row for NewLead {
    fn read(cells: &Cells<'_>, plan: &Plan) -> std::result::Result<Self, FieldErrors> {
        let status = cells.get("status");
        let form = LeadForm {
            name: cells.text("name"),
            phone: cells.text("phone"),
            email: cells.text("email"),
            status: LeadStatus::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(status)),
            next_action: cells.text("next_action"),
            follow_up_on: cells.text("follow_up_on"),
            notes: cells.text("notes"),
            ..LeadForm::default()
        };
        let read = leads::read_form(&form, &plan.region);
        let unknown = (!status.is_empty() && form.status.is_none())
            .then(|| ("status".to_owned(), "Use new, contacted, qualified, unqualified, converted or lost.".to_owned()));
        match (read, unknown) {
            (Ok((_, person)), None) => Ok(Self { phone: person.phone, form, cells: cells.kept() }),
            (read, unknown) => {
                let mut wrong = read.err().unwrap_or_default();
                wrong.extend(unknown);
                Err(wrong)
            }
        }
    }

    fn key(&self) -> &str {
        self.phone.as_str()
    }

    async fn count_known(tx: &mut Tx, rows: &[(i64, Self)]) -> Result<i64> {
        Ok(living(tx, rows).await?.len() as i64)
    }

    async fn bring_in(tx: &mut Tx, import: ImportId, first: Vec<(i64, Self)>, _: Vec<(i64, Self)>) -> Result<Brought> {
        let living = living(tx, &first).await?;
        let new: Vec<_> = first.into_iter().filter(|(_, row)| !living.contains(&row.phone)).collect();
        let forms: Vec<LeadForm> = new.iter().map(|(_, row)| row.form.clone()).collect();
        let (mut brought, mut stored) = (Brought::default(), Vec::new());
        for (outcome, (line, row)) in leads::push(tx, &forms).await?.into_iter().zip(new) {
            match outcome {
                Ok(lead) if lead.created => stored.push(lead.id),
                // Somebody else made it meanwhile.
                Ok(_) => {}
                Err(why) => brought.refused.push((Refused { line, cells: row.cells }, why)),
            }
        }
        brought.created = stored.len() as i64;
        let contacts = sqlx::query_scalar("update leads set import_id = $1 where id = any($2) returning contact_id")
            .bind(import)
            .bind(stored)
            .fetch_all(tx.conn())
            .await?;
        super::contacts::came_along(tx, import, &contacts).await?;
        Ok(brought)
    }
}

/// Those of these numbers whose contacts have a lead that lives.
async fn living(tx: &mut Tx, rows: &[(i64, NewLead)]) -> Result<HashSet<Phone>> {
    let phones: Vec<&Phone> = rows.iter().map(|(_, row)| &row.phone).collect();
    let known: Vec<Phone> = sqlx::query_scalar(
        "select c.phone from contacts c join leads l on l.contact_id = c.id where c.phone = any($1) and l.archived_at is null",
    )
    .bind(phones)
    .fetch_all(tx.conn())
    .await?;
    Ok(known.into_iter().collect())
}

/// Takes out the next leads that nobody changed since; the others are not the import's any more. Returns how many it looked at and how
/// many it took out.
pub(super) async fn take_out(tx: &mut Tx, import: ImportId, most: i64) -> Result<(usize, i64)> {
    let ids: Vec<LeadId> = sqlx::query_scalar("select id from leads where import_id = $1 order by id limit $2 for update")
        .bind(import)
        .bind(most)
        .fetch_all(tx.conn())
        .await?;
    let gone = sqlx::query("delete from leads where id = any($1) and updated_at = created_at and archived_at is null")
        .bind(&ids)
        .execute(tx.conn())
        .await?;
    sqlx::query("update leads set import_id = null where id = any($1)").bind(&ids).execute(tx.conn()).await?;
    Ok((ids.len(), i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX)))
}
