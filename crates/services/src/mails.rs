//! Outgoing mail: a row in the commit that causes it, and a job that delivers it. In development the table
//! itself is the mailbox, shown at `/dev/mail`. Texts are written by the slice that sends them.

use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::jobs::Job;
use model::id::MailId;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Rows in the development mailbox.
const RECENT_MAX: i64 = 100;

/// A mail to send. Plain text.
pub(crate) struct NewMail<'a> {
    pub to_address: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
}

/// A mail as the development mailbox shows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Mail {
    pub id: MailId,
    pub to_address: String,
    pub subject: String,
    pub body: String,
    pub created_at: Timestamp,
}

/// Writes a mail and the job that delivers it, in this commit.
pub(crate) async fn send(tx: &mut SystemTx, mail: &NewMail<'_>) -> Result<()> {
    let (id, now): (MailId, _) = (tx.id(), tx.now());
    sqlx::query("insert into mails (id, to_address, subject, body, created_at) values ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(mail.to_address)
        .bind(mail.subject)
        .bind(mail.body)
        .bind(now)
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
    Ok(sqlx::query_as("select id, to_address, subject, body, created_at from mails order by created_at desc, id desc limit $1")
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

    fn key(&self) -> Option<String> {
        Some(self.mail.to_string())
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        if !db.config().dev {
            // Unsent mails stay in the table, so that a mail server configured later can still have them.
            tracing::warn!(mail = %self.mail, "no mail server is configured; the mail waits in the table");
            return Ok(());
        }
        let mut tx = db.begin_system(SystemTask::Mail).await?;
        let now = tx.now();
        sqlx::query("update mails set sent_at = coalesce(sent_at, $2) where id = $1")
            .bind(self.mail)
            .bind(now)
            .execute(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
