//! Callers who are turned away although the campaign is open.

use super::*;

async fn force(desk: &Desk, sql: &'static str) {
    let mut tx = desk.world.tx(&desk.acme).await;
    sqlx::query(sql).execute(tx.conn()).await.expect("changed");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn a_company_whose_lines_are_all_taken_answers_nobody_else() {
    let desk = Desk::open(|_| {}).await;
    force(&desk, "update capacity set cap = 0 where scope = 'company'").await;
    desk.declined(1, Declined::NoLine, "We are closed.").await;
    force(&desk, "update capacity set cap = 1 where scope = 'company'").await;
    assert!(!desk.hears(2).await.contains("We are closed."));
}

#[tokio::test]
async fn without_an_agent_there_is_nobody_to_answer() {
    let desk = Desk::open(|_| {}).await;
    force(&desk, "update campaigns set agent_id = null").await;
    desk.declined(1, Declined::NoAgent, "We are closed.").await;
}
