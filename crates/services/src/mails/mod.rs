//! Outgoing mail: a row in the commit that causes it, and a job that delivers it. In development the table
//! itself is the mailbox, shown at `/dev/mail`. Everywhere else a mail whose link lets somebody in is emptied when it went out,
//! or when the link is too old: whoever reads the database finds no link that works. What mails say is in `letters.rs`, and how super
//! admins word them otherwise in `wordings.rs`.

pub(crate) mod letters;
#[cfg(test)]
mod tests;
pub mod wordings;

use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::jobs::{Hopeless, Job};
use chrono::TimeDelta;
use letters::Letter;
use model::id::MailId;
use model::time::Timestamp;
use providers::mail::{MailError, Mailer};
use serde::{Deserialize, Serialize};

/// Rows in the development mailbox.
const RECENT_MAX: i64 = 100;

/// A mail as the development mailbox shows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Mail {
    pub id: MailId,
    pub to_address: String,
    pub subject: String,
    pub body: String,
    pub html: String,
    pub created_at: Timestamp,
}

/// Writes a mail and the job that delivers it, in this commit.
pub(crate) async fn send(tx: &mut SystemTx, to_address: &str, letter: &Letter) -> Result<()> {
    let written = letter.written(&wordings::in_use(tx, letter.kind).await?);
    let (id, now): (MailId, _) = (tx.id(), tx.now());
    sqlx::query(
        "insert into mails (id, to_address, subject, body, html, created_at, secret_until) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(to_address)
    .bind(written.subject)
    .bind(written.text)
    .bind(written.html)
    .bind(now)
    .bind(letter.secret_for.map(|works_for| now + works_for))
    .execute(tx.conn())
    .await?;
    tx.enqueue(&SendMail { mail: id }).await
}

/// The newest mails, newest first. Only in development: mails carry links that let people in.
///
/// # Errors
/// `NotFound` outside development.
pub async fn recent(db: &Db) -> Result<Vec<Mail>> {
    if !db.config().dev {
        return Err(model::Error::not_found("mailbox").into());
    }
    let mut tx = db.begin_system(SystemTask::Mail).await?;
    Ok(sqlx::query_as(
        "select id, to_address, subject, body, html, created_at from mails order by created_at desc, id desc limit $1",
    )
    .bind(RECENT_MAX)
    .fetch_all(tx.conn())
    .await?)
}

/// Delivers one mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendMail {
    pub mail: MailId,
}

impl Job for SendMail {
    const QUEUE: &'static str = "send_mail";
    /// With [`Job::backoff`] below: for some hours.
    const ATTEMPTS_MAX: i32 = 10;

    fn key(&self) -> Option<String> {
        Some(self.mail.to_string())
    }

    /// Half a minute, and twice as long each time, up to an hour: servers that do not know us ask to come back.
    fn backoff(attempt: i32) -> TimeDelta {
        TimeDelta::seconds((30 << attempt.clamp(1, 8).saturating_sub(1)).min(3600))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let Some(mail) = unsent(&db, self.mail).await? else {
            return Ok(());
        };
        if mail.body.is_empty() {
            return Err(Hopeless("its link was too old before it could be sent".to_owned()).into());
        }
        if let Some(url) = &db.config().smtp_url {
            let mailer = Mailer::new(url, &db.config().mail_from).map_err(anyhow::Error::msg)?;
            let id = mail.id.to_string();
            let outgoing = providers::mail::Mail {
                id: &id,
                to: &mail.to_address,
                subject: &mail.subject,
                text: &mail.body,
                html: &mail.html,
                written_at: mail.created_at,
            };
            // Sent and not written down is sent again, under the same id: a mail twice is better than none.
            match mailer.send(&outgoing).await {
                Ok(()) => {}
                Err(MailError::Refused(why)) => return Err(Hopeless(format!("mail refused: {why}")).into()),
                Err(error @ MailError::Later(_)) => return Err(error.into()),
            }
        } else if !db.config().dev {
            anyhow::bail!("no mail server is configured: set SMTP_URL");
        }
        let mut tx = db.begin_system(SystemTask::Mail).await?;
        let now = tx.now();
        sqlx::query("update mails set sent_at = coalesce(sent_at, $2) where id = $1")
            .bind(self.mail)
            .bind(now)
            .execute(tx.conn())
            .await?;
        forget(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Empties the mails with links that were sent or are too old. In development the table is the mailbox.
async fn forget(tx: &mut SystemTx) -> Result<()> {
    if tx.config().dev {
        return Ok(());
    }
    let now = tx.now();
    sqlx::query(
        "update mails set body = '', html = '' where id in (
            select id from mails where secret_until is not null and body <> '' and (sent_at is not null or secret_until <= $1)
            for update skip locked)",
    )
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes mails that went out, or never will, long ago.
pub(crate) async fn delete_old(tx: &mut SystemTx, before: Timestamp) -> Result<()> {
    sqlx::query("delete from mails where created_at < $1").bind(before).execute(tx.conn()).await?;
    Ok(())
}

/// A mail that did not go out yet. No transaction is open while it does.
async fn unsent(db: &Db, id: MailId) -> Result<Option<Mail>> {
    let mut tx = db.begin_system(SystemTask::Mail).await?;
    forget(&mut tx).await?;
    let mail =
        sqlx::query_as("select id, to_address, subject, body, html, created_at from mails where id = $1 and sent_at is null")
            .bind(id)
            .fetch_optional(tx.conn())
            .await?;
    tx.commit().await?;
    Ok(mail)
}
