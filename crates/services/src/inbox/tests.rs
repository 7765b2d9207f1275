//! Callbacks from the door to the call: refused when forged, stored once, applied once, never lost.

mod batch;

use super::*;
use crate::dialer::lease::Lease;
use crate::dialer::plan;
use crate::error::Error;
use crate::testing::{Someone, World};
use crate::{calls, check, credits, suppressions};
use chrono::TimeDelta;
use model::calls::{CallState, Outcome};
use model::credits::Credits;
use model::suppressions::SuppressionFilter;
use providers::twilio::sign;
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A call that the provider accepted, and what its callbacks are signed with.
struct Line {
    world: World,
    acme: Someone,
    call: CallId,
    gateway: GatewayId,
    token: String,
}

/// A Twilio call id.
fn sid(n: u32) -> String {
    format!("CA{n:032x}")
}

impl Line {
    async fn new() -> Self {
        // The adapters' HTTP client wants a TLS provider; nothing here touches the network.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new().await;
        let acme = world.company("acme").await;
        let campaign = world.launched(&acme, 1, |_| {}).await;
        let lease = Lease::init(&world.db).await.expect("lease");
        let mut tx = world.db.begin(&world.engine(acme.company)).await.expect("begin");
        let dial = plan(&mut tx, campaign, lease.worker).await.expect("planned").dials.remove(0);
        tx.commit().await.expect("commit");
        let token = token_of(&world, dial.gateway.id).await;
        Self { world, acme, call: dial.call, gateway: dial.gateway.id, token }
    }

    fn url(&self) -> String {
        format!("{}/hooks/twilio/{}?call={}", self.world.db.config().public_url, self.gateway, self.call)
    }

    async fn post(&self, body: &str) -> Result<ReplyBody, Refused> {
        post(&self.world, self.gateway, &self.url(), body, &self.token).await
    }

    async fn drain(&self) -> usize {
        drain(&self.world.db).await.expect("drained")
    }

    async fn state(&self) -> CallState {
        let mut tx = self.world.tx(&self.acme).await;
        calls::load(&mut tx, self.call).await.expect("call").row.state
    }

    async fn nothing_is_wrong(&self) {
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
    }
}

async fn token_of(w: &World, gateway: GatewayId) -> String {
    let (_, found) = route(&w.db, gateway).await.expect("a gateway");
    found.account.secret.expose_secret().to_owned()
}

async fn stored(w: &World) -> i64 {
    let mut tx = w.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
    sqlx::query_scalar("select count(*) from inbox").fetch_one(tx.conn()).await.expect("count")
}

/// Posts a form as somebody who knows `token` would.
async fn post(w: &World, gateway: GatewayId, url: &str, body: &str, token: &str) -> Result<ReplyBody, Refused> {
    let pairs = sign::decode_form(body.as_bytes()).expect("UTF-8");
    let signature = sign::signature(token, url, &pairs);
    let headers = HeaderMap::from_iter([
        ("content-type".parse().expect("a name"), FORM),
        (sign::HEADER.parse().expect("a name"), HeaderValue::from_str(&signature).expect("base64")),
    ]);
    receive(&w.db, gateway, CallbackRequest { method: &Method::POST, url, headers: &headers, body: body.as_bytes() }).await
}

fn status(n: u32, sequence: u32, status: &str, talk: u32) -> String {
    let source = "CallbackSource=call-progress-events";
    format!("CallSid={}&CallStatus={status}&SequenceNumber={sequence}&{source}&CallDuration={talk}", sid(n))
}

#[tokio::test]
async fn a_callback_is_stored_acknowledged_and_then_applied() {
    let line = Line::new().await;
    let reply = line.post(&status(1, 3, "completed", 61)).await.expect("accepted");
    assert_eq!((reply.content_type, reply.body.contains("<Response")), ("text/xml; charset=utf-8", true), "{reply:?}");
    assert_eq!(line.state().await, CallState::NEW, "the request only stores");
    assert_eq!(line.drain().await, 1);
    assert_eq!(line.state().await, CallState::ended(Outcome::Completed));
    assert_eq!(line.drain().await, 0);
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn the_same_callback_twice_is_stored_once() {
    let line = Line::new().await;
    for _ in 0..3 {
        line.post(&status(1, 3, "completed", 61)).await.expect("a repeat is acknowledged like the first");
    }
    assert_eq!(stored(&line.world).await, 1);
    line.drain().await;
    line.post(&status(1, 3, "completed", 61)).await.expect("even after it was applied");
    assert_eq!((stored(&line.world).await, line.drain().await), (1, 0));
    let mut tx = line.world.tx(&line.acme).await;
    assert_eq!(credits::wallet(&mut tx).await.expect("wallet").spent, Credits::whole(2));
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn a_forged_callback_is_refused_and_leaves_no_trace() {
    let line = Line::new().await;
    let (w, body) = (&line.world, status(1, 3, "completed", 61));
    let birch = w.company("birch").await;
    let mut tx = w.tx(&birch).await;
    let theirs = crate::gateways::list(&mut tx).await.expect("gateways")[0].id;
    drop(tx);
    let other_token = token_of(w, theirs).await;
    for token in ["", "guess", other_token.as_str()] {
        let refusal = post(w, line.gateway, &line.url(), &body, token).await;
        assert!(matches!(refusal, Err(Refused::BadSignature)), "{token}: {refusal:?}");
    }
    // A signature that fits another body, another address, or is missing.
    let signature = sign::signature(&line.token, &line.url(), &sign::decode_form(body.as_bytes()).expect("UTF-8"));
    let tampered = body.replace("CallDuration=61", "CallDuration=1");
    let other_call = line.url().replace(&line.call.to_string(), &CallId::from(uuid::Uuid::nil()).to_string());
    for (url, body, signed) in [(line.url(), &tampered, true), (other_call, &body, true), (line.url(), &body, false)] {
        let mut headers = HeaderMap::from_iter([("content-type".parse().expect("a name"), FORM)]);
        if signed {
            headers.insert(sign::HEADER, HeaderValue::from_str(&signature).expect("base64"));
        }
        let request = CallbackRequest { method: &Method::POST, url: &url, headers: &headers, body: body.as_bytes() };
        assert!(matches!(receive(&w.db, line.gateway, request).await, Err(Refused::BadSignature)));
    }
    assert_eq!(stored(w).await, 0);
}

#[tokio::test]
async fn a_gateway_of_nobody_is_refused() {
    let line = Line::new().await;
    let nobody = GatewayId::from(uuid::Uuid::nil());
    let refusal = post(&line.world, nobody, &line.url(), &status(1, 3, "completed", 1), &line.token).await;
    assert!(matches!(refusal, Err(Refused::UnknownGateway)), "{refusal:?}");
}

#[tokio::test]
async fn a_signed_request_that_is_no_callback_is_not_stored() {
    let line = Line::new().await;
    for body in ["", "CallStatus=completed", "CallSid=not-a-sid&CallStatus=completed"] {
        let refusal = line.post(body).await;
        assert!(matches!(refusal, Err(Refused::Malformed(_))), "{body}: {refusal:?}");
    }
    assert_eq!(stored(&line.world).await, 0);
}

#[tokio::test]
async fn pressing_nine_is_answered_with_a_goodbye_and_suppresses_the_number() {
    let line = Line::new().await;
    let five = line.post(&format!("CallSid={}&Digits=5", sid(1))).await.expect("accepted");
    assert!(!five.body.contains("Goodbye"));
    // Callbacks of one moment are applied in any order.
    line.world.clock.advance(chrono::TimeDelta::milliseconds(1));
    let nine = line.post(&format!("CallSid={}&Digits=9", sid(1))).await.expect("accepted");
    assert!(nine.body.contains("You will not be called again. Goodbye.") && nine.body.contains("<Hangup"), "{}", nine.body);
    assert_eq!(line.drain().await, 2);
    let mut tx = line.world.tx(&line.acme).await;
    let list = suppressions::list(&mut tx, &SuppressionFilter::default()).await.expect("list");
    assert_eq!(list.total, 1);
    assert_eq!(list.items[0].source, model::suppressions::Source::Dtmf);
    assert_eq!(calls::load(&mut tx, line.call).await.expect("call").digits, "59");
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn callbacks_in_any_order_end_in_the_same_state() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let line = Line::new().await;
        for n in order {
            let word = ["initiated", "ringing", "busy"][n - 1];
            line.post(&status(1, u32::try_from(n).expect("small"), word, 0)).await.expect("accepted");
            assert_eq!(line.drain().await, 1);
        }
        assert_eq!(line.state().await, CallState::ended(Outcome::Busy), "{order:?}");
        line.nothing_is_wrong().await;
    }
}

#[tokio::test]
async fn a_nine_that_waits_with_the_end_of_its_call_is_heard_before_the_end() {
    let line = Line::new().await;
    line.post(&format!("CallSid={}&Digits=9", sid(1))).await.expect("accepted");
    line.world.clock.advance(TimeDelta::milliseconds(1));
    line.post(&status(1, 3, "completed", 30)).await.expect("accepted");
    line.drain().await;
    let mut tx = line.world.tx(&line.acme).await;
    let person: String = sqlx::query_scalar("select status from enrollments").fetch_one(tx.conn()).await.expect("person");
    assert_eq!(person, "opted_out", "not merely called");
    drop(tx);
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn a_callback_without_our_id_finds_its_call_by_the_providers() {
    let line = Line::new().await;
    line.post(&status(1, 1, "ringing", 0)).await.expect("accepted");
    line.drain().await;
    let bare = format!("{}/hooks/twilio/{}", line.world.db.config().public_url, line.gateway);
    post(&line.world, line.gateway, &bare, &status(1, 3, "no-answer", 0), &line.token).await.expect("accepted");
    line.drain().await;
    assert_eq!(line.state().await, CallState::ended(Outcome::NoAnswer));
}

#[tokio::test]
async fn a_callback_that_comes_before_its_call_is_known_waits_for_it() {
    let line = Line::new().await;
    let bare = format!("{}/hooks/twilio/{}", line.world.db.config().public_url, line.gateway);
    post(&line.world, line.gateway, &bare, &status(1, 3, "busy", 0), &line.token).await.expect("accepted");
    assert_eq!(line.drain().await, 0, "nobody knows this provider's id yet");
    line.post(&status(1, 1, "ringing", 0)).await.expect("accepted");
    assert_eq!(line.drain().await, 1);
    assert_eq!(line.drain().await, 0, "the failed one waits a moment");
    line.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(line.drain().await, 1);
    assert_eq!(line.state().await, CallState::ended(Outcome::Busy));
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn a_callback_that_can_never_be_applied_is_given_up_and_kept_with_its_error() {
    let line = Line::new().await;
    let bare = format!("{}/hooks/twilio/{}", line.world.db.config().public_url, line.gateway);
    post(&line.world, line.gateway, &bare, &status(9, 3, "busy", 0), &line.token).await.expect("accepted");
    for _ in 0..TRIES_MAX + 3 {
        assert_eq!(line.drain().await, 0);
        line.world.clock.advance(TimeDelta::minutes(2));
    }
    let violations = check::run(&line.world.db).await.expect("checked").violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].starts_with("I6 ") && violations[0].contains("does not exist"), "{violations:?}");
}

#[tokio::test]
async fn a_signed_callback_cannot_touch_another_companys_call() {
    let line = Line::new().await;
    let w = &line.world;
    let birch = w.company("birch").await;
    let mut tx = w.tx(&birch).await;
    let theirs = crate::gateways::list(&mut tx).await.expect("gateways")[0].id;
    drop(tx);
    let url = format!("{}/hooks/twilio/{theirs}?call={}", w.db.config().public_url, line.call);
    post(w, theirs, &url, &status(1, 3, "completed", 60), &token_of(w, theirs).await).await.expect("it is birch's own signature");
    assert_eq!(line.drain().await, 0);
    assert_eq!(line.state().await, CallState::NEW);
}

#[tokio::test]
async fn a_gateways_key_speaks_for_the_calls_of_its_own_account_only() {
    let line = Line::new().await;
    let w = &line.world;
    let mut tx = w.tx(&line.acme).await;
    let form = model::gateways::GatewayForm { name: "Second".into(), ..Default::default() };
    let second = crate::gateways::create(&mut tx, &form).await.expect("a second account");
    tx.commit().await.expect("commit");
    let token = token_of(w, second).await;
    let url = format!("{}/hooks/twilio/{second}?call={}", w.db.config().public_url, line.call);
    // The end, a recording, and a key that would suppress the number.
    let recording =
        format!("CallSid={}&RecordingSid=RE{:032x}&RecordingStatus=completed&RecordingUrl=https://api.twilio.com/r", sid(1), 1);
    for body in [status(1, 3, "completed", 60), recording, format!("CallSid={}&Digits=9", sid(1))] {
        post(w, second, &url, &body, &token).await.expect("signed by its own key");
    }
    assert_eq!(line.drain().await, 0);
    assert_eq!(line.state().await, CallState::NEW);
    let mut tx = w.tx(&line.acme).await;
    let list = suppressions::list(&mut tx, &SuppressionFilter::default()).await.expect("list");
    let call = calls::load(&mut tx, line.call).await.expect("call");
    assert_eq!((list.total, call.digits.as_str(), call.recordings.len()), (0, "", 0));
    drop(tx);
    // One that is refused harms none that waits with it.
    line.post(&status(1, 3, "completed", 60)).await.expect("accepted");
    line.world.clock.advance(TimeDelta::seconds(30));
    assert_eq!(line.drain().await, 1);
    assert_eq!(line.state().await, CallState::ended(Outcome::Completed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_workers_apply_each_callback_once() {
    let line = Line::new().await;
    for n in 0..12 {
        line.post(&format!("CallSid={}&Digits={n}", sid(1))).await.expect("accepted");
    }
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let db = line.world.db.clone();
        workers.spawn(async move { drain(&db).await.expect("drained") });
    }
    assert_eq!(workers.join_all().await.into_iter().sum::<usize>(), 12);
    assert_eq!(line.drain().await, 0);
    line.nothing_is_wrong().await;
}

#[tokio::test]
async fn what_went_wrong_inside_is_not_mistaken_for_a_forgery() {
    let line = Line::new().await;
    line.world.db.close().await;
    let refusal = line.post(&status(1, 3, "completed", 61)).await;
    assert!(matches!(refusal, Err(Refused::Inside(Error::Db(_)))), "{refusal:?}");
}

#[tokio::test]
async fn news_of_a_call_that_was_made_in_the_providers_portal_is_nobodys_fault() {
    let line = Line::new().await;
    let mut tx = line.world.tx(&line.acme).await;
    let form =
        model::gateways::GatewayForm { name: "Talk".into(), kind: model::gateways::ProviderKind::Retell, ..Default::default() };
    let gateway = crate::gateways::create(&mut tx, &form).await.expect("gateway");
    let now = tx.now();
    // As stored after its signature was verified.
    let body = r#"{"event":"call_ended","call":{"call_id":"call_made_elsewhere","agent_id":"agent_1","call_status":"ended",
        "call_type":"phone_call","direction":"outbound","from_number":"+12025550100","to_number":"+12125550199"}}"#;
    let id: InboxId = tx.id();
    sqlx::query(
        "insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at) values ($1, $2, $3, 'one', $4, $5, $6)",
    )
    .bind(line.acme.company)
    .bind(id)
    .bind(gateway)
    .bind(format!("http://belfry.test/hooks/retell/{gateway}"))
    .bind(body.as_bytes())
    .bind(now)
    .execute(tx.conn())
    .await
    .expect("stored");
    tx.commit().await.expect("commit");
    for _ in 0..TRIES_MAX + 3 {
        assert_eq!(line.drain().await, 0);
        line.world.clock.advance(TimeDelta::minutes(2));
    }
    line.nothing_is_wrong().await;
    let mut tx = line.world.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
    let handled: bool = sqlx::query_scalar("select handled_at is not null from inbox where id = $1")
        .bind(id)
        .fetch_one(tx.conn())
        .await
        .expect("one");
    assert!(handled, "it is not tried for ever");
}

#[tokio::test]
async fn hipaa_mode_keeps_no_message_once_it_was_applied() {
    let line = Line::new().await;
    let mut tx = line.world.tx(&line.acme).await;
    crate::companies::save_privacy(&mut tx, model::companies::Privacy { hipaa: true, gdpr: false }).await.expect("saved");
    tx.commit().await.expect("commit");
    line.post(&status(1, 3, "completed", 61)).await.expect("accepted");
    assert_eq!(line.drain().await, 1);
    let mut tx = line.world.tx(&line.acme).await;
    let bytes: i64 = sqlx::query_scalar("select sum(length(body)) from inbox").fetch_one(tx.conn()).await.expect("sum");
    assert_eq!(bytes, 0);
    line.post(&status(1, 3, "completed", 61)).await.expect("and a repeat is still known");
    assert_eq!((stored(&line.world).await, line.drain().await), (1, 0));
    assert_eq!(line.state().await, CallState::ended(Outcome::Completed));
    line.nothing_is_wrong().await;
}
