//! Sessions without passwords, for tests of the doors. Only a test has a [`World`].

use super::{Client, repo, sessions};
use crate::actor::{Actor, SystemTask};
use crate::jobs::Job;
use crate::testing::World;
use model::id::CompanyId;

impl World {
    /// The token of a fresh session of this member; see `Cookie::Session`.
    pub async fn session(&self, member: &Actor) -> String {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let user = member.user.as_ref().expect("a human").id;
        let member = repo::first_membership(&mut tx, user).await.expect("query").expect("a membership");
        let token = sessions::open_session(&mut tx, &member, &Client::default()).await.expect("a session");
        tx.commit().await.expect("commit");
        token
    }
}

impl World {
    /// Runs what people asked for with *forgotten password*, as the worker does.
    pub async fn send_resets(&self) {
        let jobs: Vec<Vec<u8>> = sqlx::query_scalar("select job from apalis.jobs where job_type = 'send_reset'")
            .fetch_all(self.db.system_pool())
            .await
            .expect("jobs");
        for job in jobs {
            let job: super::jobs::SendReset = serde_json::from_slice(&job).expect("a job");
            job.run(self.db.clone()).await.expect("it runs");
        }
    }

    /// Whether a transaction of this database waits for a lock.
    pub async fn somebody_waits(&self) -> bool {
        let sql = "select exists (select 1 from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database())";
        sqlx::query_scalar(sql).fetch_one(self.db.system_pool()).await.expect("locks")
    }

    /// What an authenticator app shows now for the key it was given.
    pub fn app_code(&self, key: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(key.replace(' ', "")).expect("base32");
        let totp = totp_rs::Builder::new().with_secret(secret).with_account_name("app").build().expect("a key");
        totp.generate(u64::try_from(self.clock.now().timestamp()).expect("after 1970")).to_string()
    }

    /// Lets nobody into a company without a second factor, as its administrator would.
    pub async fn require_second_factor(&self, of: CompanyId) {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        sqlx::query("update companies set two_factor_required = true where id = $1")
            .bind(of)
            .execute(tx.conn())
            .await
            .expect("update");
        tx.commit().await.expect("commit");
    }

    /// The token of the newest mail with a link to `page`, and to whom it went.
    pub async fn mailed(&self, page: &str) -> Option<(String, String)> {
        let mails = crate::mails::recent(&self.db).await.expect("the mailbox");
        mails.iter().find_map(|mail| {
            let (_, token) = mail.body.split_once(&format!("{page}?token="))?;
            Some((mail.to_address.clone(), token.split_whitespace().next()?.to_owned()))
        })
    }
}
