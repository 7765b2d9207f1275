//! How letters are worded, for super admins: a draft is written, looked at, and taken into use once nothing is wrong with it.

use super::letters::{built_in, framed};
use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx};
use crate::error::Result;
use model::Error;
use model::accounts::Permission;
use model::events::EventKind;
use model::mails::{LetterKind, LetterPage, LetterRow, Wording};
use model::time::Timestamp;

#[derive(sqlx::FromRow)]
struct Stored {
    kind: LetterKind,
    is_draft: bool,
    subject: String,
    text: String,
    html: String,
    changed_by: String,
    changed_at: Timestamp,
}

async fn stored(tx: &mut SystemTx, kind: Option<LetterKind>) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as(
        "select kind, is_draft, subject, text, html, changed_by, changed_at from wordings where $1::text is null or kind = $1",
    )
    .bind(kind)
    .fetch_all(tx.conn())
    .await?)
}

/// The words that letters of a kind go out with now.
pub(crate) async fn in_use(tx: &mut SystemTx, kind: LetterKind) -> Result<Wording> {
    let chosen = stored(tx, Some(kind)).await?.into_iter().find(|row| !row.is_draft);
    Ok(chosen.map_or_else(|| built_in(kind), |Stored { subject, text, html, .. }| Wording { subject, text, html }))
}

fn row(actor: &Actor, kind: LetterKind, stored: &[Stored]) -> LetterRow {
    let of = |is_draft| stored.iter().find(|row| row.kind == kind && row.is_draft == is_draft);
    let changed = of(false).map(|row| (row.changed_by.clone(), actor.moment(row.changed_at)));
    LetterRow { kind, changed, has_draft: of(true).is_some() }
}

async fn admin(db: &Db, actor: &Actor) -> Result<SystemTx> {
    actor.require(Permission::AdminPlatform)?;
    db.begin_system(SystemTask::Admin).await
}

/// Every kind of letter.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn list(db: &Db, actor: &Actor) -> Result<Vec<LetterRow>> {
    let stored = stored(&mut admin(db, actor).await?, None).await?;
    Ok(LetterKind::ALL.iter().map(|kind| row(actor, *kind, &stored)).collect())
}

/// One kind of letter: its draft, or what is in use, and how that looks.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn load(db: &Db, actor: &Actor, kind: LetterKind) -> Result<LetterPage> {
    let mut tx = admin(db, actor).await?;
    let stored = stored(&mut tx, Some(kind)).await?;
    let row = row(actor, kind, &stored);
    let newest = stored.into_iter().max_by_key(|row| row.is_draft);
    let wording = newest.map_or_else(|| built_in(kind), |Stored { subject, text, html, .. }| Wording { subject, text, html });
    let sample = |name: &str| {
        kind.places().iter().find(|(place, _)| *place == name).map(|(_, sample)| (*sample).to_owned()).unwrap_or_default()
    };
    let preview = framed(wording.filled(sample));
    Ok(LetterPage { row, problems: wording.problems(kind), preview, wording })
}

/// Keeps a wording without using it, whatever is wrong with it.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `Invalid` for one that is empty or too long to be kept.
pub async fn draft(db: &Db, actor: &Actor, kind: LetterKind, wording: &Wording) -> Result<()> {
    let mut tx = admin(db, actor).await?;
    // Browsers end lines as typewriters did.
    let unix = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let wording = Wording { subject: unix(&wording.subject), text: unix(&wording.text), html: unix(&wording.html) };
    wording.fits()?;
    put(&mut tx, actor, kind, true, &wording).await?;
    tx.commit().await
}

async fn put(tx: &mut SystemTx, actor: &Actor, kind: LetterKind, is_draft: bool, wording: &Wording) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into wordings (kind, is_draft, subject, text, html, changed_by, changed_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (kind, is_draft) do update set subject = excluded.subject, text = excluded.text, html = excluded.html,
            changed_by = excluded.changed_by, changed_at = excluded.changed_at",
    )
    .bind(kind)
    .bind(is_draft)
    .bind(&wording.subject)
    .bind(&wording.text)
    .bind(&wording.html)
    .bind(actor.name())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the draft into use. Letters that are written from now on have its words.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `Invalid` while something is wrong with it; `Conflict` without a draft.
pub async fn adopt(db: &Db, actor: &Actor, kind: LetterKind) -> Result<()> {
    let mut tx = admin(db, actor).await?;
    let draft: Option<(String, String, String)> =
        sqlx::query_as("delete from wordings where kind = $1 and is_draft returning subject, text, html")
            .bind(kind)
            .fetch_optional(tx.conn())
            .await?;
    let (subject, text, html) = draft.ok_or_else(|| Error::conflict("There is no draft to use. Save one first."))?;
    let (wording, before) = (Wording { subject, text, html }, in_use(&mut tx, kind).await?);
    wording.check(kind)?;
    put(&mut tx, actor, kind, false, &wording).await?;
    let shown = |text: &str| text.chars().take(100).collect::<String>();
    let what = format!("{}: new words in use; subject {} → {}", kind.label(), shown(&before.subject), shown(&wording.subject));
    record(tx, actor, kind, what).await
}

/// Goes back to the built-in words, and forgets the draft.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn restore(db: &Db, actor: &Actor, kind: LetterKind) -> Result<()> {
    let mut tx = admin(db, actor).await?;
    sqlx::query("delete from wordings where kind = $1").bind(kind).execute(tx.conn()).await?;
    record(tx, actor, kind, format!("{}: the built-in words again", kind.label())).await
}

/// Written in the record of the super admin's own company, as it concerns no other alone.
async fn record(tx: SystemTx, actor: &Actor, kind: LetterKind, what: String) -> Result<()> {
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::LetterChanged, Some(kind.to_string()), what).await?;
    tx.commit().await
}
