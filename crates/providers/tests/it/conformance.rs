//! The suite for real accounts, run on gremlin, so that it still runs on the day when somebody has an account.

use std::{sync::Mutex, time::Duration};

use chrono::{DateTime, Utc};
use providers::{
    conformance::{CHECKS, Clock, Line, Verdict, Wanted, names, run},
    *,
};
use serde_json::json;

use super::support::{FAST, World, client, every_kind, kinds, now, phone};

const FROM: &str = "+12025550100";

/// Looks more often than at a real account, and as many times.
struct Hurried;

#[async_trait::async_trait]
impl Clock for Hurried {
    fn now(&self) -> DateTime<Utc> {
        now()
    }
    async fn pause(&self, _: Duration) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The environment of somebody with this world's account.
async fn keys(world: &World) -> Vec<(String, String)> {
    let from = caller(world).await;
    let account = world.fixture.account(&world.tap_url, super::support::OWNER);
    let options: Vec<_> = account.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let secret = account.webhook_secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
    let given = [
        ("ACCOUNT", account.id.as_str()),
        ("SECRET", account.secret.expose_secret()),
        ("WEBHOOK_SECRET", secret),
        ("BASE_URL", &account.base_url),
        ("FROM", from.as_str()),
        ("TO", "+14155550001"),
        ("AGENT", super::fixture::maqsam::AGENT),
        ("CALLBACK_URL", &format!("{}/hook", world.hooks)),
        ("OPTIONS", &options.join(",")),
    ];
    let prefix = format!("BELFRY_LIVE_{}", world.kind.as_str().to_uppercase());
    given.into_iter().map(|(name, value)| (format!("{prefix}_{name}"), value.to_owned())).collect()
}

/// A number to call from that the account knows: one that was brought, or one that is there already.
async fn caller(world: &World) -> String {
    let listed = match world.voice.numbers().filter(|_| !world.fixture.imports_numbers()) {
        Some(numbers) => numbers.list().await.expect("listed"),
        None => Vec::new(),
    };
    listed.first().map_or_else(|| FROM.to_owned(), |one| one.phone.to_string())
}

/// Runs it; the lines and the exit code.
async fn checked(kind: ProviderKind, live: bool, call: bool, env: &[(String, String)]) -> (Vec<Line>, u8) {
    let said = Mutex::new(Vec::new());
    let say = |line: &Line| {
        println!("{line}");
        said.lock().expect("no test holds it").push(line.clone());
    };
    let known = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let report = run(Wanted { kind, live, call }, known, client(Duration::from_secs(10)), &Hurried, &say).await;
    assert_eq!(*said.lock().expect("no test holds it"), report.lines(), "what is said is what is reported");
    (report.lines().to_vec(), report.exit_code())
}

fn with(lines: &[Line], verdict: Verdict) -> Vec<&'static str> {
    lines.iter().filter(|line| line.verdict == verdict).map(|line| line.check).collect()
}

/// A number to call from, where numbers have to be there first.
async fn a_number(world: &World) {
    if let Some(numbers) = world.voice.numbers().filter(|_| world.fixture.imports_numbers()) {
        let carrier = Carrier::Sip { address: "trunk.example.com".into(), username: None, password: None };
        numbers.import(&NumberImport { phone: phone(FROM), label: "Out".into(), carrier }).await.expect("imported");
    }
}

#[tokio::test]
async fn everything_an_adapter_offers_passes_on_gremlin() {
    every_kind(FAST, async |world| {
        a_number(&world).await;
        let (lines, code) = checked(world.kind, true, true, &keys(&world).await).await;
        assert_eq!(lines.iter().map(|line| line.check).collect::<Vec<_>>(), CHECKS, "each check has one line, in order");
        assert_eq!((with(&lines, Verdict::Failed), code), (vec![], 0), "{lines:#?}");
        let voice = &world.voice;
        let offered = |check: &str| match check {
            "voices" => voice.voices().is_some(),
            "numbers" => voice.numbers().is_some(),
            "staff" => voice.staff().is_some(),
            "speech" => voice.speech().is_some(),
            "callbacks and their signatures" | "calls in, and binding of numbers" => false,
            check if check.starts_with("agent") => voice.agents().is_some(),
            check if check.starts_with("document") => voice.knowledge().is_some(),
            _ => true,
        };
        let expected: Vec<_> = CHECKS.iter().copied().filter(|check| offered(check)).collect();
        assert_eq!(with(&lines, Verdict::Passed), expected);
        let rings = world.control("rings").await;
        assert_eq!(rings["total"], json!({ "dialed": 1, "rang": 1 }), "one call, to the number that was given");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn nothing_is_left_behind() {
    every_kind(FAST, async |world| {
        a_number(&world).await;
        let (lines, _) = checked(world.kind, true, true, &keys(&world).await).await;
        let note = |check: &str| lines.iter().find(|line| line.check == check).expect("a line").note.clone();
        if let Some(agents) = world.voice.agents() {
            assert_eq!(agents.read(&RemoteAgent::new(note("agent: create"))).await, Ok(None));
        }
        if let Some(knowledge) = world.voice.knowledge() {
            assert_eq!(knowledge.state(&note("document: put")).await, Ok(None));
        }
        let seen = world.tap.seen.lock().expect("no test holds it").clone();
        let made = |word: &str| seen.iter().filter(|one| one.method == word && one.status < 300).count();
        let agents = if world.voice.agents().is_some() { 2 } else { 0 };
        let documents = usize::from(world.voice.knowledge().is_some());
        assert!(made("DELETE") >= agents + documents, "{} of {}", made("DELETE"), agents + documents);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_called_who_was_not_named_on_purpose() {
    every_kind(FAST, async |world| {
        a_number(&world).await;
        let all = keys(&world).await;
        let (lines, code) = checked(world.kind, true, false, &all).await;
        assert_eq!((with(&lines, Verdict::Failed), code), (vec![], 0), "{lines:#?}");
        assert!(lines.iter().filter(|line| line.check.starts_with("call: ")).all(|line| line.verdict == Verdict::NotChecked));
        let nameless: Vec<_> = all.into_iter().filter(|(name, _)| !name.ends_with("_TO")).collect();
        let (lines, code) = checked(world.kind, true, true, &nameless).await;
        assert_eq!((with(&lines, Verdict::Failed), code), (vec![], 2), "a call was asked for, and there is none");
        let place = lines.iter().find(|line| line.check == "call: place").expect("a line");
        assert!(place.note.ends_with("_TO is not set"), "{place}");
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_refused_fails_and_its_agent_goes() {
    every_kind(FAST, async |world| {
        a_number(&world).await;
        let invalid = |(name, value): (String, String)| {
            let value = if name.ends_with("_TO") { "+14155550005".to_owned() } else { value };
            (name, value)
        };
        let env: Vec<_> = keys(&world).await.into_iter().map(invalid).collect();
        let (lines, code) = checked(world.kind, true, true, &env).await;
        assert_eq!((with(&lines, Verdict::Failed), code), (vec!["call: place"], 1), "{lines:#?}");
        let removed = lines.iter().find(|line| line.check == "agent of the call: remove").expect("a line");
        assert_eq!(removed.verdict == Verdict::Passed, world.voice.agents().is_some(), "{removed}");
        assert_eq!(lines.iter().filter(|line| line.check.starts_with("call: ")).count(), 5);
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    })
    .await;
}

#[tokio::test]
async fn without_keys_nothing_is_checked_and_that_is_no_pass() {
    for kind in kinds() {
        for (live, expected) in [(true, "is not set"), (false, "--live")] {
            let (lines, code) = checked(*kind, live, false, &[]).await;
            assert_eq!(lines.iter().map(|line| line.check).collect::<Vec<_>>(), CHECKS);
            assert!(lines.iter().all(|line| line.verdict == Verdict::NotChecked && line.note.contains(expected)), "{lines:#?}");
            assert_eq!(code, 2);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_fails_and_leaves_no_line_out() {
    every_kind(FAST, async |world| {
        let wrong = |(name, value): (String, String)| {
            let value = if name.ends_with("_SECRET") { "0123456789abcdef".to_owned() } else { value };
            (name, value)
        };
        let env: Vec<_> = keys(&world).await.into_iter().map(wrong).collect();
        let (lines, code) = checked(world.kind, true, true, &env).await;
        assert_eq!(lines.iter().map(|line| line.check).collect::<Vec<_>>(), CHECKS);
        assert_eq!(with(&lines, Verdict::Passed), ["a wrong key"], "{lines:#?}");
        assert!(with(&lines, Verdict::Failed).contains(&"credentials"));
        assert_eq!(code, 1);
        assert!(lines.iter().all(|line| !line.note.contains("0123456789abcdef")), "no secret is printed: {lines:#?}");
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    })
    .await;
}

/// Somebody looks for what the page promises, and the page for what is read.
#[test]
fn the_page_of_each_kind_has_the_names_of_its_keys() {
    for kind in kinds() {
        let path = format!("{}/../../docs/providers/{kind}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&path).expect("a page for each kind");
        let prefix = format!("BELFRY_LIVE_{}_", kind.as_str().to_uppercase());
        let told: std::collections::BTreeSet<&str> = page
            .split(&prefix)
            .skip(1)
            .filter_map(|rest| rest.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_').next())
            .collect();
        let read = names(*kind).iter().map(|(name, _)| *name).collect();
        assert_eq!(told, read, "{path}");
    }
}
