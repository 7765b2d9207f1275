//! Sessions without passwords, for tests of the doors. Only a test has a [`World`].

use super::{Client, repo, sessions};
use crate::actor::{Actor, SystemTask};
use crate::testing::World;

impl World {
    /// The token of a fresh session of this member; see `session_cookie`.
    pub async fn session(&self, member: &Actor) -> String {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let user = member.user.as_ref().expect("a human").id;
        let member = repo::first_membership(&mut tx, user).await.expect("query").expect("a membership");
        let token = sessions::open_session(&mut tx, &member, &Client::default()).await.expect("a session");
        tx.commit().await.expect("commit");
        token
    }
}
