//! The mail with which somebody chooses a new password. A job looks the address up, so that asking takes as long, and
//! leaves the same behind, whether anybody has it or not.

use super::links::{self, Kind};
use super::{normal, repo};
use crate::actor::SystemTask;
use crate::db::Db;
use crate::jobs::Job;
use crate::mails::{self, letters};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long the link works: as long as it takes to open a mailbox.
pub(super) const RESET_MINUTES: i64 = 30;

/// Mails a link for a new password, if somebody has that address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendReset {
    /// The id of the link, so that it is mailed once however often this runs.
    pub link: Uuid,
    pub email: String,
}

impl Job for SendReset {
    const QUEUE: &'static str = "send_reset";

    fn key(&self) -> Option<String> {
        Some(self.link.to_string())
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let mut tx = db.begin_system(SystemTask::SignIn).await?;
        let email = normal(&self.email);
        let Some(user) = repo::find_user(&mut tx, &email).await? else {
            return Ok(());
        };
        let expires_at = tx.now() + TimeDelta::minutes(RESET_MINUTES);
        let Some(token) = links::write(&mut tx, self.link, Kind::Reset, user.id, None, expires_at).await? else {
            return Ok(());
        };
        let url = format!("{}/reset?token={token}", tx.config().public_url);
        mails::send(&mut tx, &email, &letters::reset(&user.name, url, RESET_MINUTES)).await?;
        tx.commit().await?;
        Ok(())
    }
}
