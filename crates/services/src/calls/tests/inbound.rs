//! Calls that come in, from the signed webhook to the settlement: taken or declined with a reason, once, and paid for once.

use crate::actor::SystemTask;
use crate::calls::{self, answer};
use crate::contacts;
use crate::dialer::{due_checks, plan};
use crate::inbox::{self, CallbackRequest, Refused};
use crate::testing::{Someone, World, phone};
use crate::{campaigns, check, companies, credits, numbers, suppressions};
use chrono::TimeDelta;
use model::calls::{Call, CallFilter, CallRow, CallStatus, Declined, Direction, Outcome};
use model::campaigns::{Action, CampaignForm, Status};
use model::contacts::{ContactFilter, ContactForm};
use model::credits::{Credits, Wallet};
use model::id::{CampaignId, GatewayId};
use model::suppressions::SuppressionFilter;
use providers::twilio::sign;
use providers::{HeaderMap, HeaderValue, Method};
use tokio::task::JoinSet;

mod declined;

const OURS: &str = "+12025550100";
const CALLER: &str = "+12125550142";

/// A company whose number is answered.
struct Desk {
    world: World,
    acme: Someone,
    campaign: CampaignId,
    gateway: GatewayId,
    token: String,
}

fn sid(n: u32) -> String {
    format!("CA{n:032x}")
}

impl Desk {
    async fn open(edit: impl FnOnce(&mut CampaignForm)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new().await;
        let acme = world.company("acme").await;
        let campaign = world.answering(&acme, edit).await;
        let mut tx = world.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
        let gateway = sqlx::query_scalar("select id from gateways").fetch_one(tx.conn()).await.expect("one gateway");
        drop(tx);
        let token = world.auth_token(acme.company, gateway).await.expect("its key");
        Self { world, acme, campaign, gateway, token }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/hooks/twilio/{}{path}", self.world.db.config().public_url, self.gateway)
    }

    fn headers(&self, url: &str, body: &str) -> HeaderMap {
        let signature = sign::signature(&self.token, url, &sign::decode_form(body.as_bytes()).expect("UTF-8"));
        HeaderMap::from_iter([
            ("content-type".parse().expect("a name"), HeaderValue::from_static("application/x-www-form-urlencoded")),
            (sign::HEADER.parse().expect("a name"), HeaderValue::from_str(&signature).expect("base64")),
        ])
    }

    /// The webhook of call `n`; what the caller hears.
    async fn ring(&self, n: u32, from: &str, to: &str) -> Result<String, Refused> {
        let (url, body) = (self.url("/voice"), webhook(n, from, to));
        let headers = self.headers(&url, &body);
        let request = CallbackRequest { method: &Method::POST, url: &url, headers: &headers, body: body.as_bytes() };
        answer(&self.world.db, self.gateway, request).await.map(|reply| reply.body)
    }

    async fn hears(&self, n: u32) -> String {
        self.ring(n, CALLER, OURS).await.expect("answered")
    }

    /// A callback of the number's calls, which names no call of ours.
    async fn report(&self, path: &str, body: &str) {
        let url = self.url(path);
        let headers = self.headers(&url, body);
        let request = CallbackRequest { method: &Method::POST, url: &url, headers: &headers, body: body.as_bytes() };
        inbox::receive(&self.world.db, self.gateway, request).await.expect("accepted");
        inbox::drain(&self.world.db).await.expect("drained");
    }

    async fn completed(&self, n: u32, talk: i64) {
        let body = format!(
            "CallSid={}&CallStatus=completed&SequenceNumber=0&CallbackSource=call-progress-events&CallDuration={talk}",
            sid(n)
        );
        self.report("", &body).await;
    }

    async fn calls(&self) -> Vec<CallRow> {
        calls::list(&mut self.world.tx(&self.acme).await, &CallFilter::default()).await.expect("calls").items
    }

    async fn only(&self) -> Call {
        let rows = self.calls().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        calls::load(&mut self.world.tx(&self.acme).await, rows[0].id).await.expect("call")
    }

    async fn wallet(&self) -> Wallet {
        credits::wallet(&mut self.world.tx(&self.acme).await).await.expect("wallet")
    }

    async fn act(&self, action: Action) {
        let mut tx = self.world.tx(&self.acme).await;
        campaigns::act(&mut tx, self.campaign, action).await.expect("moved");
        tx.commit().await.expect("commit");
    }

    /// The call was recorded with this reason, the caller heard `text`, and nothing is held.
    async fn declined(&self, n: u32, why: Declined, text: &str) {
        let heard = self.ring(n, CALLER, OURS).await.expect("answered");
        assert!(heard.contains(text) && heard.contains("<Hangup/>") && !heard.contains("<Gather"), "{heard}");
        let row = self.calls().await.into_iter().find(|row| row.declined == Some(why)).expect("recorded");
        assert_eq!((row.state.outcome, row.cost), (Some(Outcome::Rejected), Some(Credits::ZERO)));
        self.nothing_is_wrong().await;
    }

    async fn nothing_is_wrong(&self) {
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
    }
}

fn webhook(n: u32, from: &str, to: &str) -> String {
    let encode = |phone: &str| phone.replace('+', "%2B");
    format!("CallSid={}&From={}&To={}&CallStatus=ringing&Direction=inbound", sid(n), encode(from), encode(to))
}

#[tokio::test]
async fn a_call_is_taken_held_and_settled_by_what_it_lasted() {
    let desk = Desk::open(|_| {}).await;
    let heard = desk.hears(1).await;
    assert!(heard.contains("<Gather") && heard.contains("Press 9 to stop."), "{heard}");
    assert!(heard.contains(">Hello</Say>"), "a stranger has no name: {heard}");
    let call = desk.only().await;
    assert_eq!(
        (call.row.direction, call.row.state.status, call.held),
        (Direction::Inbound, CallStatus::Answered, Credits::whole(2))
    );
    assert_eq!((call.row.phone.as_str(), call.from.as_str()), (CALLER, OURS));
    assert_eq!(desk.wallet().await.held, Credits::whole(2));
    desk.nothing_is_wrong().await;
    desk.completed(1, 70).await;
    let wallet = desk.wallet().await;
    assert_eq!((wallet.held, wallet.spent, wallet.available), (Credits::ZERO, Credits::whole(2), Credits::whole(18)));
    let progress = campaigns::load(&mut desk.world.tx(&desk.acme).await, desk.campaign).await.expect("campaign").progress;
    assert_eq!((progress.calls, progress.connected, progress.talk_seconds, progress.contacts), (1, 1, 70, 0));
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn what_is_not_talked_is_available_again() {
    let desk = Desk::open(|_| {}).await;
    desk.hears(1).await;
    desk.completed(1, 20).await;
    let wallet = desk.wallet().await;
    assert_eq!((wallet.spent, wallet.available), (Credits::whole(1), Credits::whole(19)));
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn repeated_webhooks_and_callbacks_change_nothing() {
    let desk = Desk::open(|_| {}).await;
    let first = desk.hears(1).await;
    assert_eq!(desk.hears(1).await, first);
    desk.completed(1, 70).await;
    desk.completed(1, 70).await;
    assert_eq!(desk.hears(1).await, first, "even after the end");
    assert_eq!(desk.only().await.row.cost, Some(Credits::whole(2)));
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn webhooks_of_one_call_at_once_record_it_once() {
    let desk = std::sync::Arc::new(Desk::open(|_| {}).await);
    let mut posts = JoinSet::new();
    for _ in 0..6 {
        let desk = desk.clone();
        posts.spawn(async move { desk.hears(1).await });
    }
    let heard = posts.join_all().await;
    assert!(heard.iter().all(|text| *text == heard[0]), "{heard:?}");
    desk.only().await;
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn callers_at_once_never_take_more_lines_than_there_are() {
    let desk = std::sync::Arc::new(Desk::open(|form| form.concurrency_max = 3).await);
    let mut posts = JoinSet::new();
    for n in 1..=8 {
        let desk = desk.clone();
        posts.spawn(async move { desk.ring(n, &phone(n as usize), OURS).await.expect("answered").contains("<Gather") });
    }
    let taken = posts.join_all().await.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken, 3);
    let busy = desk.calls().await.iter().filter(|row| row.declined == Some(Declined::NoLine)).count();
    assert_eq!((busy, desk.wallet().await.held), (5, Credits::whole(6)));
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn callers_are_known_by_their_number_and_strangers_become_contacts() {
    let desk = Desk::open(|_| {}).await;
    let mut tx = desk.world.tx(&desk.acme).await;
    let form = ContactForm { name: "Ada".to_owned(), phone: phone(7), ..ContactForm::default() };
    let ada = contacts::create(&mut tx, &form).await.expect("contact");
    tx.commit().await.expect("commit");
    let heard = desk.ring(1, &phone(7), OURS).await.expect("answered");
    assert!(heard.contains(">Hello Ada</Say>"), "{heard}");
    assert_eq!(desk.only().await.row.contact, Some(ada));
    desk.hears(2).await;
    let all = contacts::list(&mut desk.world.tx(&desk.acme).await, &ContactFilter::default()).await.expect("contacts");
    let mut names: Vec<_> = all.items.iter().map(|c| (c.name.as_str(), c.calls)).collect();
    names.sort_unstable();
    assert_eq!(names, [("Ada", 1), ("Unknown caller", 1)]);
}

#[tokio::test]
async fn people_who_hide_their_number_are_answered_and_are_nobody() {
    let desk = Desk::open(|_| {}).await;
    for (n, from) in [(1, "anonymous"), (2, "+266696687"), (3, "sip:x@y")] {
        assert!(desk.ring(n, from, OURS).await.expect("answered").contains("<Gather"), "{from}");
    }
    let rows = desk.calls().await;
    assert!(rows.iter().all(|row| row.contact.is_none() && row.phone == "Hidden number"), "{rows:?}");
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn outside_the_hours_callers_hear_the_campaigns_own_words() {
    let desk = Desk::open(|form| form.hours = Some(model::time::Hours::business())).await;
    // Monday 22:00 in New York.
    desk.world.clock.set("2026-11-24T03:00:00Z".parse().expect("a moment"));
    desk.declined(1, Declined::OutsideHours, "We are closed.").await;
    desk.declined(1, Declined::OutsideHours, "We are closed.").await;
    // What the provider tells of the message changes nothing.
    desk.completed(1, 6).await;
    assert_eq!(desk.only().await.row.cost, Some(Credits::ZERO));
    assert_eq!(desk.wallet().await.available, credits::WELCOME);
    desk.nothing_is_wrong().await;
    desk.world.clock.set("2026-11-24T15:00:00Z".parse().expect("a moment"));
    assert!(desk.hears(2).await.contains("<Gather"));
}

#[tokio::test]
async fn without_credits_for_the_longest_call_nobody_is_answered() {
    let desk = Desk::open(|form| form.call_minutes_max = 10).await;
    for (n, from) in [(1, phone(1)), (2, phone(2))] {
        assert!(desk.ring(n, &from, OURS).await.expect("answered").contains("<Gather"));
    }
    assert_eq!(desk.wallet().await.available, Credits::ZERO);
    desk.declined(3, Declined::NoCredits, "We are closed.").await;
    desk.completed(1, 1).await;
    assert_eq!(desk.wallet().await.available, Credits::whole(9), "a minute was spent");
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn a_paused_campaign_a_free_number_and_a_strange_number_play_the_fallback() {
    let desk = Desk::open(|form| form.fallback_text = String::new()).await;
    desk.act(Action::Pause).await;
    desk.declined(1, Declined::Paused, "Nobody can take your call right now.").await;
    desk.act(Action::Resume).await;
    assert!(desk.hears(2).await.contains("<Gather"));
    desk.completed(2, 3).await;
    desk.act(Action::Cancel).await;
    desk.declined(3, Declined::NoCampaign, "Nobody can take your call right now.").await;
    let heard = desk.ring(4, CALLER, "+12025550177").await.expect("answered");
    assert!(heard.contains("<Hangup/>"), "{heard}");
    let row = desk.calls().await.into_iter().find(|row| row.declined == Some(Declined::UnknownNumber)).expect("recorded");
    assert_eq!((row.campaign, row.contact), (None, None));
    desk.completed(4, 3).await;
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn a_person_has_one_call_at_a_time() {
    let desk = Desk::open(|_| {}).await;
    desk.hears(1).await;
    desk.declined(2, Declined::OnCall, "We are closed.").await;
    desk.completed(1, 30).await;
    assert!(desk.hears(3).await.contains("<Gather"));
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn nine_opts_out_on_a_call_that_came_in_too_and_the_person_may_still_call() {
    let desk = Desk::open(|_| {}).await;
    desk.hears(1).await;
    let call = desk.only().await.row.id;
    desk.report(&format!("/gather?call={call}"), &format!("CallSid={}&Digits=9", sid(1))).await;
    let list = suppressions::list(&mut desk.world.tx(&desk.acme).await, &SuppressionFilter::default()).await.expect("list");
    assert_eq!(list.items.iter().map(|s| s.phone.as_str()).collect::<Vec<_>>(), [CALLER]);
    desk.completed(1, 9).await;
    desk.world.clock.advance(TimeDelta::minutes(5));
    assert!(desk.hears(2).await.contains("<Gather"), "it is their call");
    desk.nothing_is_wrong().await;
}

#[tokio::test]
async fn forged_and_senseless_webhooks_leave_no_trace() {
    let mut desk = Desk::open(|_| {}).await;
    let token = std::mem::replace(&mut desk.token, "not the token".to_owned());
    assert!(matches!(desk.ring(1, CALLER, OURS).await, Err(Refused::BadSignature)));
    desk.token = token;
    assert!(matches!(desk.ring(1, CALLER, "sip:desk@acme").await, Err(Refused::Malformed(_))));
    assert!(desk.calls().await.is_empty());
}

#[tokio::test]
async fn the_dialer_never_runs_a_campaign_that_answers_and_it_goes_on_for_ever() {
    let desk = Desk::open(|_| {}).await;
    assert!(desk.world.runnable(desk.acme.company).await.expect("runnable").is_empty());
    let mut tx = desk.world.db.begin(&desk.world.engine(desk.acme.company)).await.expect("begin");
    assert!(plan(&mut tx, desk.campaign, desk.campaign.uuid()).await.expect("planned").dials.is_empty());
    tx.commit().await.expect("commit");
    let mut tx = desk.world.tx(&desk.acme).await;
    let settings = companies::settings(&mut tx).await.expect("settings");
    companies::save_settings(&mut tx, &settings).await.expect("every campaign is woken");
    tx.commit().await.expect("commit");
    desk.hears(1).await;
    desk.completed(1, 5).await;
    assert!(desk.world.runnable(desk.acme.company).await.expect("runnable").is_empty());
    let campaign = campaigns::load(&mut desk.world.tx(&desk.acme).await, desk.campaign).await.expect("campaign");
    assert_eq!((campaign.status, campaign.reserved), (Status::Active, Credits::ZERO));
}

#[tokio::test]
async fn one_campaign_at_a_time_answers_a_number() {
    let desk = Desk::open(|_| {}).await;
    let mut tx = desk.world.tx(&desk.acme).await;
    let form = campaigns::load(&mut tx, desk.campaign).await.expect("campaign").form;
    let second = campaigns::create(&mut tx, &CampaignForm { name: "Night desk".to_owned(), ..form }).await.expect("a draft may");
    let check = campaigns::launch_check(&mut tx, second).await.expect("check");
    let failing: Vec<_> = check.items.iter().filter(|item| !item.ok).map(|item| item.detail.as_str()).collect();
    assert_eq!(failing, [format!("{OURS} is answered by another campaign.")]);
    campaigns::act(&mut tx, second, Action::Launch).await.expect_err("refused");
    campaigns::act(&mut tx, desk.campaign, Action::Cancel).await.expect("cancelled");
    campaigns::act(&mut tx, second, Action::Launch).await.expect("now it is free");
    let ours = numbers::answered_by(&mut tx, second).await.expect("numbers");
    assert_eq!((ours.len(), ours[0].phone.as_str()), (1, OURS));
    assert!(numbers::answered_by(&mut tx, desk.campaign).await.expect("numbers").is_empty());
}

#[tokio::test]
async fn a_call_whose_end_got_lost_is_looked_up_when_it_should_be_over() {
    let desk = Desk::open(|_| {}).await;
    desk.hears(1).await;
    let (late, next) = due_checks(&desk.world.db).await.expect("checks");
    let over = desk.world.clock.now() + TimeDelta::seconds(140);
    assert_eq!((late.len(), next), (0, Some(over)), "two minutes and a little");
    desk.world.clock.set(over);
    let (late, _) = due_checks(&desk.world.db).await.expect("checks");
    assert_eq!(late.iter().map(|late| late.id).collect::<Vec<_>>(), [desk.only().await.row.id]);
}
