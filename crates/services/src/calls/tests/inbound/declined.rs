//! Callers who are turned away although the campaign is open, and those whose key is told too late.

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

#[tokio::test]
async fn a_nine_that_is_told_after_a_call_of_theirs_counts_against_no_campaign_that_calls_people() {
    let desk = Desk::open(|_| {}).await;
    desk.hears(1).await;
    let call = desk.only().await.row.id;
    desk.completed(1, 9).await;
    desk.report(&format!("/gather?call={call}"), &format!("CallSid={}&Digits=9", sid(1))).await;
    let mut tx = desk.world.tx(&desk.acme).await;
    let list = suppressions::list(&mut tx, &SuppressionFilter::default()).await.expect("list");
    assert_eq!(list.total, 1, "they are on the list all the same");
    let counted: Option<i64> =
        sqlx::query_scalar("select sum(opted_out)::bigint from campaign_stats").fetch_one(tx.conn()).await.expect("counted");
    assert_eq!(counted.unwrap_or(0), 0);
    drop(tx);
    desk.nothing_is_wrong().await;
}
