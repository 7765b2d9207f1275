//! A campaign through each provider on a bad day, over real HTTP: gateway, agent and number are set up there, people are
//! called, a tenth of everything goes wrong, and in the end nobody rang twice for one attempt and every credit is accounted for.

use crate::support::{fetch, listen, send, serve};
use chrono::{DateTime, Timelike, Utc};
use model::calls::{Call, CallFilter, Direction, Outcome, RecordingKeeping};
use model::campaigns::{Action, Audience, CampaignForm, Status};
use model::contacts::ContactForm;
use model::gateways::{GatewayForm, Keeping, ProviderKind};
use model::id::{CampaignId, GatewayId};
use model::time::Hours;
use serde_json::{Value, json};
use services::testing::{Someone, World, agent_form};
use services::{agents, calls, campaigns, check, companies, contacts, credits, gateways, numbers, suppressions};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A minute of talk passes in a hundredth of a second.
const SPEED: i32 = 6_000;
const DEADLINE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// Who is called, by what their number does: see gremlin.
const PEOPLE: &[&str] = &["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013"];
/// More who answer.
const FRIENDS: usize = 12;
/// What goes wrong, and how often.
const BAD_DAY: &[(&str, f64)] = &[
    ("duplicate", 0.1),
    ("reorder", 0.1),
    ("drop", 0.05),
    ("delay_ms", 0.1),
    ("bad_signature", 0.05),
    ("unknown_status", 0.05),
    ("error_500", 0.05),
    ("error_429", 0.05),
    ("timeout_after_accept", 0.03),
    ("late_cost", 0.1),
];

/// A company, its site with a worker, and its sandbox.
pub struct Day {
    pub world: World,
    pub acme: Someone,
    pub site: SocketAddr,
    pub gremlin: SocketAddr,
    stop: CancellationToken,
    servers: JoinSet<()>,
}

impl Day {
    pub async fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let ((for_site, site), (for_gremlin, gremlin)) = (listen().await, listen().await);
        let world = World::live(|config| {
            config.public_url = format!("http://{site}");
            config.sandbox_url = format!("http://{gremlin}");
            config.sandbox_speed = SPEED;
        })
        .await;
        let acme = world.company("acme").await;
        let mut servers = serve(&world, for_site, for_gremlin, SPEED.into());
        let (db, stop) = (world.db.clone(), CancellationToken::new());
        let until = stop.clone();
        servers.spawn(async move { worker::run(db, until).await.expect("the worker runs") });
        Self { world, acme, site, gremlin, stop, servers }
    }

    /// The worker and whatever it does end first: the database goes with the world.
    pub async fn end(mut self) {
        self.stop.cancel();
        while tokio::time::timeout(Duration::from_secs(15), self.servers.join_next()).await.is_ok_and(|ended| ended.is_none()) {}
        self.servers.shutdown().await;
    }

    /// Looks until there is something to see.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(seen) = look(self).await {
                return seen;
            }
            assert!(Instant::now() < deadline, "waited too long: {what}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A sandbox gateway of this kind with its number, and an agent that is published everywhere.
    pub async fn connect(&self, kind: ProviderKind) -> (GatewayId, model::id::AgentId) {
        let mut tx = self.world.tx(&self.acme).await;
        let form = GatewayForm { name: "Try".into(), kind, concurrency_max: 20, calls_per_second: 20, ..GatewayForm::default() };
        let gateway = gateways::create(&mut tx, &form).await.expect("connected");
        let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("published");
        tx.commit().await.expect("commit");
        self.until("the gateway is set up", async |day| {
            let mut tx = day.world.tx(&day.acme).await;
            let seen = gateways::load(&mut tx, gateway).await.expect("gateway");
            let kept = seen.agents.first().map(|one| (one.keeping, one.problem.clone()));
            assert_ne!(kept.as_ref().map(|one| one.0), Some(Keeping::Failed), "{kept:?}");
            let is_kept = !kind.keeps_agents() || kept.is_some_and(|one| one.0 == Keeping::Ready);
            (is_kept && seen.row.numbers == 1).then_some(())
        })
        .await;
        (gateway, agent)
    }

    async fn launch(&self, gateway: GatewayId, agent: model::id::AgentId) -> CampaignId {
        let mut tx = self.world.tx(&self.acme).await;
        let mut settings = companies::settings(&mut tx).await.expect("settings");
        settings.hours = Hours::always();
        companies::save_settings(&mut tx, &settings).await.expect("saved");
        let scripted = PEOPLE.iter().map(|ending| format!("+1212555{ending}"));
        let friends = (0..FRIENDS).map(|n| format!("+1212{}0001", 600 + n));
        for (n, phone) in scripted.chain(friends).enumerate() {
            let form = ContactForm { name: format!("Person {n}"), phone, time_zone: noon_zone(), ..ContactForm::default() };
            contacts::create(&mut tx, &form).await.expect("contact");
        }
        let mut form = CampaignForm {
            name: "Bad day".to_owned(),
            audience: Some(Audience::Everyone),
            agent: Some(agent),
            gateway: Some(gateway),
            call_minutes_max: 2,
            record: true,
            ..CampaignForm::default()
        };
        form.retries.attempts_max = 2;
        form.retries.attempts_per_day_max = 2;
        let id = campaigns::create(&mut tx, &form).await.expect("campaign");
        tx.commit().await.expect("commit");
        credits::adjust_at_console(&self.world.db, self.acme.company, model::credits::Credits::whole(500), "test")
            .await
            .expect("credits");
        let mut tx = self.world.tx(&self.acme).await;
        campaigns::act(&mut tx, id, Action::Launch).await.expect("launched");
        tx.commit().await.expect("commit");
        id
    }

    /// What gremlin calls the account of the gateway of this kind.
    async fn account(&self, kind: ProviderKind) -> String {
        let mut tx = self.world.tx(&self.acme).await;
        let rows = gateways::list(&mut tx).await.expect("gateways");
        let gateway = rows.iter().find(|row| row.kind == kind).expect("connected");
        gateway.id.uuid().simple().to_string()
    }

    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = send(self.gremlin, method, path, &[("content-type", "application/json")], &body).await;
        assert!(status < 300, "{status} {answer}");
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    /// The link plays the recording, and a part of it.
    async fn plays(&self, call: &Call) {
        let link = call.recordings[0].link.as_deref().expect("a link");
        let (status, whole) = fetch(self.site, link, &[]).await;
        assert_eq!(status, 200, "{link}");
        let (status, part) = fetch(self.site, link, &[("range", "bytes=10-19")]).await;
        assert_eq!((status, part.as_slice()), (206, &whole[10..20]), "a range, as players ask for it");
        let (status, _) = fetch(self.site, &link.replace("signature=", "signature=A"), &[]).await;
        assert_eq!(status, 404, "nobody guesses a link");
    }

    pub async fn calls(&self) -> Vec<Call> {
        let mut tx = self.world.tx(&self.acme).await;
        let mut filter = CallFilter::default();
        filter.paging.per_page = 100;
        let rows = calls::list(&mut tx, &filter).await.expect("calls").items;
        let mut all = Vec::new();
        for row in rows {
            all.push(calls::load(&mut tx, row.id).await.expect("call"));
        }
        all
    }
}

/// A zone in which it is between one and two in the afternoon: the law lets people be called there at any hour of the test.
pub fn noon_zone() -> String {
    let now: DateTime<Utc> = services::Clock::System.now();
    match 13 - i64::from(now.hour()) {
        0 => "Etc/GMT".to_owned(),
        ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
        behind => format!("Etc/GMT+{}", -behind),
    }
}

async fn bad_day(kind: ProviderKind) {
    let day = Day::new().await;
    let (gateway, agent) = day.connect(kind).await;
    for (fault, probability) in BAD_DAY {
        let fault = json!({ "kind": fault, "probability": probability, "delay_ms": 300 });
        day.control("POST", "/control/faults", &fault).await;
    }
    let started = Instant::now();
    let campaign = day.launch(gateway, agent).await;
    day.until("the campaign ends", async |day| {
        let mut tx = day.world.tx(&day.acme).await;
        let seen = campaigns::load(&mut tx, campaign).await.expect("campaign");
        if seen.status == Status::Paused {
            // A provider in trouble is no reason to stop; a person would go on as well.
            panic!("paused: {:?}", seen.pause_reason);
        }
        (seen.status == Status::Completed).then_some(())
    })
    .await;
    let took = started.elapsed();
    let said = |call: &Call| !kind.is_conversational() || (!call.transcript.is_empty() && !call.summary.is_empty());
    let sounds = |call: &Call| call.recordings.iter().any(|one| one.keeping == RecordingKeeping::Kept && one.link.is_some());
    // What is told after the end comes after the end.
    let all = day
        .until("what was said", async |day| {
            let all = day.calls().await;
            let talked = |call: &&Call| call.row.state.outcome == Some(Outcome::Completed) && call.row.talk_seconds > 5;
            all.iter().filter(talked).all(|call| said(call) && sounds(call)).then_some(all)
        })
        .await;
    let rings = day.control("GET", "/control/rings", &Value::Null).await;
    let twice: BTreeMap<&String, &Value> =
        rings["by_call"].as_object().expect("by call").iter().filter(|(_, count)| count["rang"].as_u64() > Some(1)).collect();
    assert!(twice.is_empty(), "rang twice for one attempt: {twice:?}");
    assert_eq!(check::run(&day.world.db).await.expect("checked").violations, Vec::<String>::new());
    let mut tx = day.world.tx(&day.acme).await;
    let wallet = credits::wallet(&mut tx).await.expect("wallet");
    assert_eq!((wallet.held.0, wallet.reserved.0), (0, 0), "everything is settled");
    let stopped = suppressions::list(&mut tx, &Default::default()).await.expect("list").items;
    assert!(
        kind == ProviderKind::Maqsam || stopped.iter().any(|one| one.phone.ends_with("0006")),
        "who said stop is heard: {stopped:?}"
    );
    drop(tx);
    let completed = all.iter().filter(|call| call.row.state.outcome == Some(Outcome::Completed)).count();
    assert!(completed >= FRIENDS / 2, "{completed} of {} calls", all.len());
    day.plays(all.iter().find(|call| sounds(call)).expect("a recording")).await;
    println!("{kind}: {} calls, {completed} answered, in {took:?}", all.len());
    day.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_has_a_bad_day() {
    bad_day(ProviderKind::Twilio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retell_has_a_bad_day() {
    bad_day(ProviderKind::Retell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vapi_has_a_bad_day() {
    bad_day(ProviderKind::Vapi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elevenlabs_has_a_bad_day() {
    bad_day(ProviderKind::ElevenLabs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maqsam_has_a_bad_day() {
    bad_day(ProviderKind::Maqsam).await;
}

/// Somebody calls a number: the provider asks who shall talk, our agent does, and the call is paid for once.
async fn called(kind: ProviderKind) {
    let day = Day::new().await;
    let (_, agent) = day.connect(kind).await;
    let mut tx = day.world.tx(&day.acme).await;
    let rows = numbers::list(&mut tx).await.expect("numbers");
    let ours = rows.into_iter().find(|row| row.gateway_name == "Try").expect("the gateway's number");
    let form = CampaignForm {
        name: "Front desk".to_owned(),
        direction: Direction::Inbound,
        numbers: vec![ours.id],
        agent: Some(agent),
        hours: Some(Hours::always()),
        call_minutes_max: 2,
        ..CampaignForm::default()
    };
    let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
    campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    let account = day.account(kind).await;
    let caller =
        json!({ "provider": kind.as_str(), "account": account, "from": "+12125550142", "to": ours.phone, "talk_seconds": 70 });
    // Until the number is bound at the provider, it rings nowhere.
    day.until("somebody is answered", async |day| {
        let (status, _) =
            send(day.gremlin, "POST", "/control/inbound", &[("content-type", "application/json")], &caller.to_string()).await;
        (status == 201).then_some(())
    })
    .await;
    let call = day
        .until("the call is over", async |day| {
            day.calls().await.into_iter().find(|call| call.row.state.outcome.is_some() && !call.summary.is_empty())
        })
        .await;
    assert_eq!((call.row.direction, call.row.state.outcome), (Direction::Inbound, Some(Outcome::Completed)), "{call:?}");
    assert!(call.row.talk_seconds > 0 && !call.transcript.is_empty(), "{call:?}");
    assert_eq!(day.calls().await.len(), 1, "a question that is asked twice is one call");
    assert_eq!(check::run(&day.world.db).await.expect("checked").violations, Vec::<String>::new());
    let wallet = credits::wallet(&mut day.world.tx(&day.acme).await).await.expect("wallet");
    assert_eq!(wallet.held.0, 0);
    assert!(wallet.spent.0 > 0, "{wallet:?}");
    day.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retell_asks_who_shall_talk() {
    called(ProviderKind::Retell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vapi_asks_who_shall_talk() {
    called(ProviderKind::Vapi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elevenlabs_asks_who_shall_talk() {
    called(ProviderKind::ElevenLabs).await;
}
