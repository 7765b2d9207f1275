//! Leads: who may become a customer, how likely, and who does what about it next. People and programs change them, and a call that
//! went well makes one. A contact has one lead that lives.
//!
//! Leads are locked in the order of their contacts, and after everything else that a transaction locks.

mod repo;
#[cfg(test)]
mod tests;

use crate::actor::{Actor, SystemTask};
use crate::contacts;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::phones;
use crate::webhooks::Told;
use chrono::{Days, NaiveDate};
use model::FieldErrors;
use model::accounts::Permission;
use model::contacts::{ContactForm, NewContact};
use model::events::EventKind;
use model::id::{CallId, ContactId, LeadId, UserId};
use model::leads::{BoardColumn, Due, Grade, Heard, Lead, LeadFilter, LeadForm, LeadRow, LeadStatus, NewLead, PUSH_MAX, Score};
use model::orders::Pushed;
use model::page::Page;
use repo::{Search, Stored};
use std::collections::{BTreeMap, HashSet};

/// What became of one row: the lead, or what is wrong with it.
pub type Outcome = Result<Pushed<LeadId>, FieldErrors>;

/// One page of leads, the highest score first. Roles that may not see numbers get them masked, and cannot search by them.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn list(tx: &mut Tx, filter: &LeadFilter) -> Result<Page<LeadRow>> {
    tx.require(Permission::ViewContacts)?;
    let search = search(tx, filter).await?;
    let (rows, total) = repo::list(tx, filter, &search).await?;
    let items = rows.into_iter().map(|row| shown(tx, row)).collect();
    Ok(Page::new(items, total, filter.paging))
}

/// A column for each status, with the highest scores of it.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn board(tx: &mut Tx, filter: &LeadFilter) -> Result<Vec<BoardColumn>> {
    tx.require(Permission::ViewContacts)?;
    let search = search(tx, filter).await?;
    let mut columns = Vec::new();
    for status in LeadStatus::ALL.iter().copied().filter(|status| filter.status.is_none_or(|only| only == *status)) {
        let (rows, count) = repo::column(tx, filter, &search, status).await?;
        columns.push(BoardColumn { status, count, rows: rows.into_iter().map(|row| shown(tx, row)).collect() });
    }
    Ok(columns)
}

async fn search(tx: &mut Tx, filter: &LeadFilter) -> Result<Search> {
    let starts = contacts::number_search(tx, &filter.search).await?;
    let due_by = filter.due.map(|due| match due {
        Due::Now => tx.today(),
        Due::Week => tx.today().checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX),
    });
    Ok(Search { starts, due_by })
}

/// One lead, archived ones too.
///
/// # Errors
/// `Forbidden` without `ViewContacts`; `NotFound`.
pub async fn load(tx: &mut Tx, id: LeadId) -> Result<Lead> {
    tx.require(Permission::ViewContacts)?;
    let stored = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("lead"))?;
    let call = match stored.source_call_id.filter(|_| tx.actor().may(Permission::ViewCalls)) {
        Some(call) => repo::seen_call(tx, call).await?,
        None => None,
    };
    Ok(Lead { score: stored.score(), notes: stored.notes.clone(), call, row: shown(tx, stored) })
}

/// The living lead of a contact.
pub(crate) async fn of_contact(tx: &mut Tx, contact: ContactId) -> Result<Option<LeadRow>> {
    Ok(repo::living(tx, contact).await?.map(|row| shown(tx, row)))
}

/// The members who may look after leads, by name: those who may come in and change something.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn owners(db: &Db, actor: &Actor) -> Result<Vec<(UserId, String)>> {
    actor.require(Permission::ViewContacts)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let people = crate::team::working(&mut tx, actor.company()).await?;
    tx.commit().await?;
    Ok(people.into_iter().filter(|(_, _, role)| role.may(Permission::ManageContacts)).map(|(id, name, _)| (id, name)).collect())
}

/// Makes the lead of somebody who has none: of a contact, or of whoever has the number.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound` for a contact; `Invalid`; `Conflict` when they have a lead.
pub async fn create(tx: &mut Tx, contact: Option<ContactId>, form: &LeadForm) -> Result<LeadId> {
    tx.require(Permission::ManageContacts)?;
    let new = form.read();
    let (new, contact) = match contact {
        Some(contact) => {
            contacts::load(tx, contact).await?;
            (new.map_err(|fields| model::Error::Invalid { fields })?, contact)
        }
        None => {
            let region = phones::region(tx).await?;
            let (new, person) = read_form(form, &region).map_err(|fields| model::Error::Invalid { fields })?;
            (new, contacts::meet(tx, &[person]).await?.remove(0))
        }
    };
    let stored = change(tx, vec![(contact, Change::Said(new))]).await?;
    match stored.first() {
        Some(Pushed { id, created: true }) => Ok(*id),
        // Nothing of it is kept: the caller does not commit.
        _ => Err(model::Error::conflict("This person has a lead already. Open it and change it.").into()),
    }
}

/// Stores leads by the phone numbers of their people: who has none gets one, and one that lives is changed, where what is left out
/// stays as it is. Each row stands for itself: what is wrong with one keeps no other from being stored. The answers are in the
/// order of the rows. A few statements, however many rows; the caller commits.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `Invalid` for more than [`PUSH_MAX`] rows.
pub async fn push(tx: &mut Tx, forms: &[LeadForm]) -> Result<Vec<Outcome>> {
    tx.require(Permission::ManageContacts)?;
    if forms.len() > PUSH_MAX {
        return Err(model::Error::field("leads", format!("Send at most {PUSH_MAX} leads at once.")).into());
    }
    let region = phones::region(tx).await?;
    let mut met = HashSet::new();
    let (mut answers, mut places, mut rows, mut people) = (Vec::with_capacity(forms.len()), Vec::new(), Vec::new(), Vec::new());
    for form in forms {
        let read = read_form(form, &region);
        let read = read.and_then(|row| if met.insert(row.1.phone.clone()) { Ok(row) } else { Err(twice()) });
        answers.push(match read {
            Ok((new, person)) => {
                places.push(answers.len());
                rows.push(Change::Said(new));
                people.push(person);
                // Overwritten below, where the lead is stored.
                Err(FieldErrors::new())
            }
            Err(problems) => Err(problems),
        });
    }
    if !people.is_empty() {
        let contacts = contacts::meet(tx, &people).await?;
        let stored = change(tx, contacts.into_iter().zip(rows).collect()).await?;
        for (place, stored) in places.into_iter().zip(stored) {
            answers[place] = Ok(stored);
        }
    }
    Ok(answers)
}

fn twice() -> FieldErrors {
    FieldErrors::from([("phone".to_owned(), "This number is there twice.".to_owned())])
}

/// Checks a lead or a row of a file; phone numbers without country code belong to `region`.
///
/// # Errors
/// All field problems at once.
pub fn read_form(form: &LeadForm, region: &str) -> Result<(NewLead, NewContact), FieldErrors> {
    let name = Some(form.name.trim()).filter(|name| !name.is_empty()).unwrap_or(contacts::UNKNOWN_CUSTOMER);
    let person = ContactForm {
        name: name.to_owned(),
        phone: form.phone.clone(),
        email: form.email.trim().to_owned(),
        ..ContactForm::default()
    };
    match (form.read(), contacts::read_form(&person, region)) {
        (Ok(lead), Ok(person)) => Ok((lead, person)),
        (lead, person) => {
            let mut problems = lead.err().unwrap_or_default();
            problems.extend(person.err().unwrap_or_default());
            Err(problems)
        }
    }
}

/// Says anew what is known of a lead: here, what is left empty is taken away, but for parts of the score without points.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`; `Invalid`.
pub async fn edit(tx: &mut Tx, id: LeadId, form: &LeadForm) -> Result<()> {
    let new = form.read();
    alter(tx, id, |lead| {
        let new = new.map_err(|fields| model::Error::Invalid { fields })?;
        lead.take(&new);
        (lead.next_action, lead.follow_up_on, lead.notes) = (new.next_action, new.follow_up_on, new.notes);
        Ok(())
    })
    .await
}

/// Puts a lead where it stands.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`.
pub async fn move_to(tx: &mut Tx, id: LeadId, status: LeadStatus) -> Result<()> {
    alter(tx, id, |lead| {
        lead.status = status;
        Ok(())
    })
    .await
}

/// Gives a lead to a member, or to nobody.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`; `Invalid` for somebody who may not look after leads.
pub async fn assign(db: &Db, actor: &Actor, id: LeadId, owner: Option<UserId>) -> Result<()> {
    actor.require(Permission::ManageContacts)?;
    let owner = match owner {
        Some(owner) => {
            let known = owners(db, actor).await?.into_iter().find(|(user, _)| *user == owner);
            Some(known.ok_or_else(|| model::Error::field("owner", "Choose somebody of the list."))?)
        }
        None => None,
    };
    let mut tx = db.begin(actor).await?;
    alter(&mut tx, id, |lead| {
        (lead.owner_id, lead.owner_name) = owner.map_or((None, String::new()), |(id, name)| (Some(id), name));
        Ok(())
    })
    .await?;
    tx.commit().await
}

/// Takes a lead out of all lists, so that its contact may have another one. Doing it twice changes nothing.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`.
pub async fn archive(tx: &mut Tx, id: LeadId) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let lead = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("lead"))?;
    if repo::archive(tx, id).await? {
        tx.record(EventKind::LeadArchived, Some(id.to_string()), lead.phone.masked()).await?;
    }
    Ok(())
}

/// Changes one lead under its lock, and tells of it.
async fn alter(tx: &mut Tx, id: LeadId, edit: impl FnOnce(&mut Stored) -> Result<()>) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let before = repo::lock(tx, id).await?.ok_or_else(|| model::Error::not_found("lead"))?;
    if before.archived {
        return Err(model::Error::conflict("This lead is archived.").into());
    }
    let mut after = before.clone();
    edit(&mut after)?;
    keep(tx, vec![(before, after, false)], true).await
}

/// What happens to the lead of a contact.
enum Change {
    /// Somebody said so.
    Said(NewLead),
    /// It was heard in a call.
    Heard(CallId, Heard),
}

/// Changes the living leads of contacts, which get one if they have none, and answers in the order asked. No contact is there twice.
async fn change(tx: &mut Tx, changes: Vec<(ContactId, Change)>) -> Result<Vec<Pushed<LeadId>>> {
    let contacts: Vec<_> = changes.iter().map(|(contact, _)| *contact).collect();
    let ids: Vec<LeadId> = contacts.iter().map(|_| tx.id()).collect();
    let leads = repo::meet(tx, &ids, &contacts).await?;
    let by_hand = changes.iter().any(|(_, change)| matches!(change, Change::Said(_)));
    let (mut answers, mut kept) = (Vec::new(), Vec::new());
    for ((lead, new), (_, change)) in leads.into_iter().zip(ids).zip(changes) {
        let created = lead.id == new;
        answers.push(Pushed { id: lead.id, created });
        let mut after = lead.clone();
        match change {
            Change::Said(new) => after.take(&new),
            Change::Heard(call, heard) => after.hear(call, &heard, created),
        }
        kept.push((lead, after, created));
    }
    keep(tx, kept, by_hand).await?;
    Ok(answers)
}

/// Stores what changed and tells of it: the record always, endpoints of a lead that became qualified `by_hand`. Where a call did it,
/// the call tells.
async fn keep(tx: &mut Tx, leads: Vec<(Stored, Stored, bool)>, by_hand: bool) -> Result<()> {
    let (mut changed, mut lines) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for (before, after, created) in leads {
        if before == after && !created {
            continue;
        }
        let became = after.status == LeadStatus::Qualified && (created || before.status != LeadStatus::Qualified);
        if by_hand && became {
            tx.tell(Told::lead(after.id, after.contact_id, &after.phone, after.source_call_id, after.score().total()));
        }
        let kind = if created { EventKind::LeadCreated } else { EventKind::LeadChanged };
        // Never a name: the record cannot forget.
        let text = format!("{}: {}", after.phone.masked(), after.status.label());
        lines.entry(kind).or_default().push((Some(after.id.to_string()), text));
        changed.push(after);
    }
    if !changed.is_empty() {
        repo::save(tx, &changed).await?;
    }
    for (kind, lines) in lines {
        tx.record_all(kind, lines).await?;
    }
    Ok(())
}

impl Stored {
    /// The score with its reasons.
    fn score(&self) -> Score {
        let points = [self.intent, self.urgency, self.budget, self.fit, self.engagement];
        let mut reasons = self.reasons.0.iter().cloned();
        Score(points.map(|points| Grade { points, reason: reasons.next().unwrap_or_default() }))
    }

    fn set_score(&mut self, score: Score) {
        [self.intent, self.urgency, self.budget, self.fit, self.engagement] = score.0.each_ref().map(|grade| grade.points);
        self.reasons.0 = score.0.map(|grade| grade.reason).into();
    }

    /// What somebody said; what they left out stays.
    fn take(&mut self, new: &NewLead) {
        let mut score = self.score();
        for (part, said) in score.0.iter_mut().zip(&new.score) {
            if let Some(said) = said {
                *part = said.clone();
            }
        }
        self.set_score(score);
        self.status = new.status.unwrap_or(self.status);
        self.follow_up_on = new.follow_up_on.or(self.follow_up_on);
        for (to, from) in [(&mut self.next_action, &new.next_action), (&mut self.notes, &new.notes)] {
            if !from.is_empty() {
                to.clone_from(from);
            }
        }
    }

    /// What a call said.
    fn hear(&mut self, call: CallId, heard: &Heard, created: bool) {
        let score = self.score().join(heard.score());
        self.set_score(score);
        if let Some(interest) = heard.interest() {
            self.status = self.status.after(interest);
        }
        if created {
            self.source_call_id = Some(call);
        }
    }
}

/// What conversations say of leads: of each with some interest. The last thing their transaction locks.
pub(crate) async fn hear(tx: &mut Tx, heard: Vec<(CallId, ContactId, Heard)>) -> Result<()> {
    // Two calls of one contact are heard one after the other, each contact once a round.
    let mut rounds: Vec<BTreeMap<ContactId, (CallId, Heard)>> = Vec::new();
    for (call, contact, heard) in heard.into_iter().filter(|(_, _, heard)| heard.interest().is_some()) {
        match rounds.iter_mut().find(|round| !round.contains_key(&contact)) {
            Some(round) => drop(round.insert(contact, (call, heard))),
            None => rounds.push(BTreeMap::from([(contact, (call, heard))])),
        }
    }
    for round in rounds {
        let changes = round.into_iter().map(|(contact, (call, heard))| (contact, Change::Heard(call, heard)));
        change(tx, changes.collect()).await?;
    }
    Ok(())
}

fn shown(tx: &Tx, r: Stored) -> LeadRow {
    LeadRow {
        id: r.id,
        contact: r.contact_id,
        score: r.score().total(),
        name: r.name,
        phone: if contacts::sees(tx, r.theirs) { r.phone.into() } else { r.phone.masked() },
        status: r.status,
        owner: r.owner_id.map(|id| (id, r.owner_name)),
        next_action: r.next_action,
        follow_up_on: r.follow_up_on,
        is_due: r.status.is_open() && r.follow_up_on.is_some_and(|day| day <= tx.today()),
        created_at: tx.moment(r.created_at),
        updated_at: tx.moment(r.updated_at),
        archived: r.archived,
    }
}
