//! The letters of a notice.

use super::repo;
use crate::actor::SystemTask;
use crate::db::Db;
use crate::jobs::Job;
use crate::mails::{self, letters};
use model::id::{CompanyId, NoticeId};
use serde::{Deserialize, Serialize};

/// Writes a letter to each administrator who wants it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailNotice {
    pub(super) company: CompanyId,
    pub(super) notice: NoticeId,
}

impl Job for MailNotice {
    const QUEUE: &'static str = "notices.mail.v1";

    fn key(&self) -> Option<String> {
        Some(self.notice.to_string())
    }

    /// All letters and that they were written are one commit: whoever runs it again finds nothing to do.
    async fn run(self, db: Db) -> anyhow::Result<()> {
        let Self { company, notice } = self;
        let mut tx = db.begin_system(SystemTask::Mail).await?;
        let Some(waiting) = repo::lock(&mut tx, company, notice).await? else { return Ok(()) };
        let facts = waiting.facts.0;
        let url = format!("{}{}", tx.config().public_url, facts.path);
        for (name, address) in repo::readers(&mut tx, company, waiting.kind).await? {
            let letter = letters::told(waiting.kind.letter(), &name, &waiting.company_name, &facts.facts, url.clone());
            mails::send(&mut tx, &address, &letter).await?;
        }
        repo::mark_mailed(&mut tx, company, notice).await?;
        Ok(tx.commit().await?)
    }
}
