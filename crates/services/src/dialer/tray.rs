//! Answers of providers that wait to be written down, by company. Whoever finds nobody at it writes for all who come
//! meanwhile: a company's answers share transactions, and none waits for a timer.

use super::place;
use super::plan::Dial;
use crate::actor::Actor;
use crate::db::Db;
use crate::error::Error;
use model::id::CompanyId;
use providers::Answer;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A company is in it while somebody writes for it.
type Waiting = HashMap<CompanyId, Vec<(Dial, Answer)>>;

#[derive(Default)]
pub(super) struct Tray(Mutex<Waiting>);

/// The right to write for a company; given back however the writing ends.
struct Writer<'a> {
    tray: &'a Tray,
    company: CompanyId,
    /// The right went back already, and may be somebody else's.
    is_done: bool,
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.tray.lock().remove(&self.company);
        }
    }
}

impl Tray {
    /// Writes the provider's answer down, or leaves it to whoever is writing for this company. If the database is away,
    /// the intents stay for the reconciler.
    pub async fn note(&self, db: &Db, dial: Dial, answer: Answer) {
        let company = dial.company;
        let Some(mut writer) = self.put(dial, answer) else { return };
        while let Some(answers) = writer.take() {
            write(db, company, answers).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays an answer down; whoever is given a writer must write.
    fn put(&self, dial: Dial, answer: Answer) -> Option<Writer<'_>> {
        let company = dial.company;
        let mut waiting = self.lock();
        let is_first = !waiting.contains_key(&company);
        waiting.entry(company).or_default().push((dial, answer));
        is_first.then(|| Writer { tray: self, company, is_done: false })
    }
}

impl Writer<'_> {
    /// All that wait; `None` when nobody does, and then the next to come is a writer.
    fn take(&mut self) -> Option<Vec<(Dial, Answer)>> {
        let mut waiting = self.tray.lock();
        let answers = std::mem::take(waiting.get_mut(&self.company)?);
        if answers.is_empty() {
            waiting.remove(&self.company);
            self.is_done = true;
            return None;
        }
        Some(answers)
    }
}

/// All in one transaction; each in its own when they cannot be written together. What the database being away leaves open,
/// a commit above all, is not repeated: the reconciler looks those calls up.
async fn write(db: &Db, company: CompanyId, answers: Vec<(Dial, Answer)>) {
    let (together, count) = (answers.iter().map(|(dial, answer)| (dial, answer.clone())).collect(), answers.len());
    let Err(error) = record(db, company, together).await else { return };
    tracing::warn!(%company, count, error = %error.0, "answers not recorded together");
    if error.1 == Then::LookUp || count == 1 {
        return;
    }
    for (dial, answer) in answers {
        if let Err(error) = record(db, company, vec![(&dial, answer)]).await {
            tracing::warn!(call = %dial.call, error = %error.0, "answer not recorded; it will be looked up");
        }
    }
}

/// What helps after a failure.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    /// Nothing was written, and one of them may be the reason.
    Alone,
    LookUp,
}

async fn record(db: &Db, company: CompanyId, answers: Vec<(&Dial, Answer)>) -> Result<(), (Error, Then)> {
    // Refusals end calls, and give back slots that turns of the company wait for.
    let mut tx = db.begin_hot(&Actor::engine(company)).await.map_err(|error| (error, Then::LookUp))?;
    place::record_all(&mut tx, answers).await.map_err(|error| (error, Then::Alone))?;
    tx.commit().await.map_err(|error| (error, Then::LookUp))
}
