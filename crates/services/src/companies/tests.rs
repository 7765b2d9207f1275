//! Opening a company, its settings, and what a change of them does to campaigns.

use super::*;
use crate::error::Error;
use crate::testing::World;
use crate::{campaigns, check, events};
use model::accounts::Role;
use model::campaigns::{Action, Parked};
use model::companies::{CONCURRENCY_MAX, Defaults, Privacy, Retention};
use model::events::EventFilter;
use model::holidays::{Closed, HOLIDAYS_MAX, HolidayForm};
use model::money::{Currency, Figures, Locale};
use model::time::Window;

fn told<T: std::fmt::Debug>(result: Result<T>) -> model::Error {
    match result.expect_err("this should have been refused") {
        Error::Told(told) => told,
        other => panic!("not meant for people: {other}"),
    }
}

#[tokio::test]
async fn a_new_company_can_begin_at_once() {
    let w = World::new().await;
    let acme = w.company(" Acme ").await;
    let mut tx = w.tx(&acme).await;
    let s = settings(&mut tx).await.expect("settings");
    assert_eq!((s.name.as_str(), s.time_zone.as_str(), s.default_region.as_str()), ("Acme", "America/New_York", "US"));
    assert_eq!((s.concurrency_max, s.ring_seconds_max, s.call_minutes_max), (20, 30, 10));
    assert_eq!(s.hours, Hours::business());
    s.check().expect("the first settings are lawful");
    let gateways = gateways::list(&mut tx).await.expect("gateways");
    assert_eq!(gateways.len(), 1);
    assert!(gateways[0].sandbox, "nothing real rings before somebody connects it");
    let slots: Vec<(String, i32, i32)> =
        sqlx::query_as("select scope, in_use, cap from capacity order by scope").fetch_all(tx.conn()).await.expect("slots");
    assert_eq!(slots, [("company".to_owned(), 0, 20), ("gateway".to_owned(), 0, 100), ("number".to_owned(), 0, 100)]);
}

#[tokio::test]
async fn every_setting_is_saved_and_read_back() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let mut tx = w.tx(&birch).await;
    let untouched = settings(&mut tx).await.expect("settings");
    drop(tx);
    let mut tx = w.tx(&acme).await;
    let changed = Settings {
        name: "Acme Clinics".into(),
        company_type: CompanyType::Healthcare,
        time_zone: "Europe/Berlin".into(),
        default_region: "DE".into(),
        hours: Hours::weekly(0, 6, Window { start_minute: 8 * 60, end_minute: 20 * 60 }),
        concurrency_max: 7,
        ring_seconds_max: 45,
        call_minutes_max: 3,
    };
    save_settings(&mut tx, &changed).await.expect("saved");
    assert_eq!(settings(&mut tx).await.expect("settings"), changed);
    let cap: i32 =
        sqlx::query_scalar("select cap from capacity where scope = 'company'").fetch_one(tx.conn()).await.expect("slots");
    assert_eq!(cap, 7, "the limit and the slots agree");
    let filter = EventFilter { kind: Some(EventKind::SettingsChanged), ..EventFilter::default() };
    assert_eq!(events::list(&mut tx, &filter).await.expect("events").total, 1);
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    assert_eq!(settings(&mut tx).await.expect("settings"), untouched);
    assert_eq!(check::run(&w.db).await.expect("checked").violations, Vec::<String>::new());
}

#[tokio::test]
async fn each_limit_holds_at_its_ends_and_not_one_past_them() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let good = settings(&mut tx).await.expect("settings");
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut s = good.clone();
        change(&mut s);
        s
    };
    for lawful in [
        with(&|s| s.name = "n".repeat(120)),
        with(&|s| s.concurrency_max = 1),
        with(&|s| s.concurrency_max = CONCURRENCY_MAX),
        with(&|s| s.ring_seconds_max = 10),
        with(&|s| s.ring_seconds_max = 120),
        with(&|s| s.call_minutes_max = 1),
        with(&|s| s.call_minutes_max = 60),
        with(&|s| s.hours = Hours::always()),
    ] {
        save_settings(&mut tx, &lawful).await.expect("lawful");
    }
    let overlapping = vec![Window { start_minute: 0, end_minute: 61 }, Window { start_minute: 60, end_minute: 90 }];
    for (field, bad) in [
        ("name", with(&|s| s.name = "  ".into())),
        ("name", with(&|s| s.name = "n".repeat(121))),
        ("concurrency_max", with(&|s| s.concurrency_max = 0)),
        ("concurrency_max", with(&|s| s.concurrency_max = CONCURRENCY_MAX + 1)),
        ("ring_seconds_max", with(&|s| s.ring_seconds_max = 9)),
        ("ring_seconds_max", with(&|s| s.ring_seconds_max = 121)),
        ("call_minutes_max", with(&|s| s.call_minutes_max = 0)),
        ("call_minutes_max", with(&|s| s.call_minutes_max = 61)),
        ("hours", with(&|s| s.hours = Hours(Default::default()))),
        ("hours", with(&|s| s.hours.0[0] = overlapping.clone())),
        ("time_zone", with(&|s| s.time_zone = "Mars/Olympus".into())),
        ("time_zone", with(&|s| s.time_zone = String::new())),
        ("default_region", with(&|s| s.default_region = "XX".into())),
        ("default_region", with(&|s| s.default_region = "USA".into())),
    ] {
        let refusal = told(save_settings(&mut tx, &bad).await);
        assert!(refusal.of_field(field).is_some(), "{field}: {refusal}");
    }
    assert_eq!(settings(&mut tx).await.expect("settings").hours, Hours::always(), "the last lawful one stands");
}

#[tokio::test]
async fn all_problems_of_the_form_are_told_at_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let bad = Settings { name: String::new(), ring_seconds_max: 0, ..settings(&mut tx).await.expect("settings") };
    let model::Error::Invalid { fields } = told(save_settings(&mut tx, &bad).await) else { panic!("invalid") };
    assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["name", "ring_seconds_max"]);
}

#[tokio::test]
async fn only_administrators_change_settings_and_everybody_reads_them() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for role in [Role::Operator, Role::Viewer] {
        let actor = w.member(&acme, role).await;
        let mut tx = w.db.begin(&actor).await.expect("begin");
        let s = settings(&mut tx).await.expect("screens need the zone");
        let permission = Permission::ManageSettings.to_string();
        assert_eq!(told(save_settings(&mut tx, &s).await), model::Error::Forbidden { permission }, "{role}");
    }
}

#[tokio::test]
async fn a_change_of_settings_wakes_running_campaigns_and_no_others() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let running = w.launched(&acme, 1, |_| {}).await;
    let mut tx = w.tx(&acme).await;
    campaigns::repo::park(&mut tx, running, None, Some(Parked::Due)).await.expect("parked");
    let paused = campaigns::duplicate(&mut tx, running).await.expect("copied");
    for action in [Action::Launch, Action::Pause] {
        campaigns::act(&mut tx, paused, action).await.expect("lawful");
    }
    tx.commit().await.expect("commit");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), []);
    let mut tx = w.tx(&acme).await;
    let s = settings(&mut tx).await.expect("settings");
    save_settings(&mut tx, &s).await.expect("saved");
    tx.commit().await.expect("commit");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [running]);
}

#[tokio::test]
async fn a_company_sees_its_own_gateways_only_and_never_their_keys() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let mut tx = w.tx(&acme).await;
    let ours = gateways::list(&mut tx).await.expect("gateways");
    let token = w.auth_token(acme.company, ours[0].id).await.expect("its key");
    assert!(token.len() >= 16 && !format!("{ours:?}").contains(&token));
    let mut tx = w.tx(&birch).await;
    let theirs = gateways::list(&mut tx).await.expect("gateways");
    assert_eq!(theirs.len(), 1);
    assert_ne!(theirs[0].id, ours[0].id);
}

#[tokio::test]
async fn a_name_the_form_would_refuse_opens_no_company() {
    let w = World::new().await;
    let mut tx = w.db.begin_system(crate::SystemTask::SignIn).await.expect("begin");
    let id = tx.id();
    let refusal = open(&mut tx, id, "   ", "UTC").await.expect_err("no name");
    assert_eq!(refusal.constraint(), Some("companies_name"), "the database refuses what a verb forgot");
}

#[test]
fn every_zone_on_offer_is_one_that_can_be_saved() {
    let zones = zones();
    assert!(zones.contains(&"America/New_York") && zones.contains(&"Asia/Kolkata"));
    assert!(zones.iter().all(|zone| zone.parse::<Tz>().is_ok()));
}

/// The texts of what the record says about settings, the oldest first.
async fn told_by_the_record(tx: &mut Tx) -> Vec<String> {
    let filter = EventFilter { kind: Some(EventKind::SettingsChanged), ..EventFilter::default() };
    let mut texts: Vec<_> = events::list(tx, &filter).await.expect("events").items.into_iter().map(|e| e.text).collect();
    texts.reverse();
    texts
}

#[tokio::test]
async fn the_record_says_what_was_before_and_what_is_now() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let before = settings(&mut tx).await.expect("settings");
    let late = Hours::weekly(0, 4, Window { start_minute: 600, end_minute: 1200 });
    let after = Settings { name: "Acme Two".into(), concurrency_max: 7, hours: late, ..before.clone() };
    save_settings(&mut tx, &after).await.expect("saved");
    save_settings(&mut tx, &after).await.expect("saved");
    save_compliance(&mut tx, &Compliance { attempts_ever_max: Some(9), ..Compliance::default() }).await.expect("saved");
    save_defaults(&mut tx, &Defaults { record: false, ..Defaults::default() }).await.expect("saved");
    save_retention(&mut tx, &Retention { recordings_days: Some(30), ..Retention::default() }).await.expect("saved");
    let mut texts = told_by_the_record(&mut tx).await;
    texts.sort();
    assert_eq!(
        texts,
        [
            "Compliance saved: attempts ever no limit → 9",
            "Defaults saved: recording on → off",
            "Retention saved: recordings for ever → 30 days",
            "Settings saved, nothing changed",
            "Settings saved: name acme → Acme Two; hours Mon–Fri 09:00–18:00 → Mon–Fri 10:00–20:00; calls at once 20 → 7",
        ]
    );
}

#[tokio::test]
async fn new_campaigns_start_from_the_companys_defaults_within_its_limits() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    assert_eq!(campaigns::blank(&mut tx).await.expect("blank"), model::campaigns::CampaignForm::default());
    let start =
        Defaults { attempts_max: 2, attempts_per_day_max: 1, call_minutes_max: 30, record: false, language: "de-DE".into() };
    save_defaults(&mut tx, &start).await.expect("saved");
    assert_eq!(defaults(&mut tx).await.expect("defaults"), start);
    let limits = Settings { concurrency_max: 3, call_minutes_max: 12, ..settings(&mut tx).await.expect("settings") };
    save_settings(&mut tx, &limits).await.expect("saved");
    let blank = campaigns::blank(&mut tx).await.expect("blank");
    assert_eq!((blank.retries.attempts_max, blank.retries.attempts_per_day_max, blank.record), (2, 1, false));
    assert_eq!((blank.call_minutes_max, blank.concurrency_max), (12, 3), "a default beyond the limit is the limit");
    campaigns::create(&mut tx, &model::campaigns::CampaignForm { name: "Spring".into(), ..blank }).await.expect("lawful");
    drop(tx);
    let mut tx = w.tx(&w.company("birch").await).await;
    assert_eq!(defaults(&mut tx).await.expect("defaults"), Defaults::default(), "each company has its own");
}

#[tokio::test]
async fn defaults_and_retention_have_bounds_and_say_so() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let good = Defaults::default();
    for (field, bad) in [
        ("attempts_max", Defaults { attempts_max: 0, ..good.clone() }),
        ("attempts_max", Defaults { attempts_max: 21, ..good.clone() }),
        ("attempts_per_day_max", Defaults { attempts_per_day_max: 11, ..good.clone() }),
        ("call_minutes_max", Defaults { call_minutes_max: 61, ..good.clone() }),
        ("language", Defaults { language: String::new(), ..good.clone() }),
    ] {
        assert!(told(save_defaults(&mut tx, &bad).await).of_field(field).is_some(), "{field}");
    }
    for days in [0, -1, model::companies::RETENTION_DAYS_MAX + 1] {
        let bad = Retention {
            recordings_days: Some(days),
            transcripts_days: Some(days),
            calls_days: Some(days),
            contacts_days: Some(days),
        };
        let refusal = told(save_retention(&mut tx, &bad).await);
        for field in ["recordings_days", "transcripts_days", "calls_days", "contacts_days"] {
            assert!(refusal.of_field(field).is_some(), "{field}");
        }
    }
    for days in [Some(1), Some(model::companies::RETENTION_DAYS_MAX), None] {
        let lawful = Retention { recordings_days: days, transcripts_days: days, calls_days: days, contacts_days: days };
        save_retention(&mut tx, &lawful).await.expect("lawful");
        assert_eq!(load_retention(&mut tx).await.expect("retention"), lawful);
    }
}

#[tokio::test]
async fn only_administrators_change_defaults_and_retention() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for role in [Role::Operator, Role::Viewer] {
        let mut tx = w.db.begin(&w.member(&acme, role).await).await.expect("begin");
        let permission = Permission::ManageSettings.to_string();
        let refused = model::Error::Forbidden { permission };
        assert_eq!(told(save_defaults(&mut tx, &Defaults::default()).await), refused, "{role}");
        assert_eq!(told(save_retention(&mut tx, &Retention::default()).await), refused, "{role}");
        assert_eq!(told(load_retention(&mut tx).await), refused, "{role}");
    }
}

/// A whole day off, or a part of one.
fn day_off(on: &str, name: &str) -> HolidayForm {
    HolidayForm { on: on.to_owned(), name: name.to_owned(), yearly: false, closed: Closed::Day, time: String::new() }
}

#[tokio::test]
async fn holidays_are_kept_in_order_and_only_administrators_change_them() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    add_holiday(&mut tx, &HolidayForm { yearly: true, ..day_off("2026-12-25", "Christmas") }).await.expect("added");
    let early = HolidayForm { closed: Closed::From, time: "13:00".to_owned(), ..day_off("2026-12-24", "Eve") };
    add_holiday(&mut tx, &early).await.expect("added");
    assert_eq!(holidays(&mut tx).await.expect("read").iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["Eve", "Christmas"]);
    assert!(told(add_holiday(&mut tx, &early).await).of_field("name").is_some(), "twice is once");
    assert!(told(add_holiday(&mut tx, &day_off("someday", "Eve")).await).of_field("on").is_some());
    remove_holiday(&mut tx, "2026-12-24", "Eve").await.expect("removed");
    assert_eq!(told(remove_holiday(&mut tx, "2026-12-24", "Eve").await), model::Error::not_found("holiday"));
    let mut texts = told_by_the_record(&mut tx).await;
    texts.sort();
    assert_eq!(
        texts,
        [
            "Holiday added: 2026-12-24 Eve, once, from 13:00",
            "Holiday added: 2026-12-25 Christmas, every year, the whole day",
            "Holiday removed: 2026-12-24 Eve, once, from 13:00",
        ]
    );
    tx.commit().await.expect("commit");
    for role in [Role::Operator, Role::Viewer] {
        let mut tx = w.db.begin(&w.member(&acme, role).await).await.expect("begin");
        let refused = model::Error::Forbidden { permission: Permission::ManageSettings.to_string() };
        assert_eq!(holidays(&mut tx).await.expect("everybody reads them").len(), 1);
        assert_eq!(told(add_holiday(&mut tx, &early).await), refused, "{role}");
        assert_eq!(told(remove_holiday(&mut tx, "2026-12-25", "Christmas").await), refused, "{role}");
        assert_eq!(told(save_figures(&mut tx, "de-DE", "EUR").await), refused, "{role}");
        assert_eq!(told(save_pace(&mut tx, Some(1)).await), refused, "{role}");
    }
    let mut tx = w.tx(&w.company("birch").await).await;
    assert_eq!(holidays(&mut tx).await.expect("read"), [], "each company has its own");
}

#[tokio::test]
async fn a_company_has_so_many_holidays_and_no_more() {
    let w = World::new().await;
    let mut tx = w.tx(&w.company("acme").await).await;
    for n in 0..HOLIDAYS_MAX {
        add_holiday(&mut tx, &day_off("2026-12-24", &n.to_string())).await.expect("lawful");
    }
    assert!(told(add_holiday(&mut tx, &day_off("2026-12-24", "more")).await).of_field("on").is_some());
}

#[tokio::test]
async fn figures_and_pace_have_bounds_and_say_so() {
    let w = World::new().await;
    let mut tx = w.tx(&w.company("acme").await).await;
    let first = Figures { locale: Locale::EnUs, currency: Currency::parse("USD").expect("a currency") };
    assert_eq!((figures(&mut tx).await.expect("read"), pace(&mut tx).await.expect("read")), (first, None));
    for (field, locale, currency) in [("locale", "xx-XX", "EUR"), ("currency", "de-DE", "eux"), ("currency", "de-DE", "")] {
        assert!(told(save_figures(&mut tx, locale, currency).await).of_field(field).is_some(), "{field}");
    }
    for bad in [0, -1, 1_001] {
        assert!(told(save_pace(&mut tx, Some(bad)).await).of_field("calls_per_second").is_some(), "{bad}");
    }
    save_figures(&mut tx, "en-IN", "INR").await.expect("lawful");
    save_pace(&mut tx, Some(1_000)).await.expect("lawful");
    let now = figures(&mut tx).await.expect("read");
    assert_eq!((now.locale, now.currency.as_str(), pace(&mut tx).await.expect("read")), (Locale::EnIn, "INR", Some(1_000)));
    save_pace(&mut tx, None).await.expect("lawful");
    let mut texts = told_by_the_record(&mut tx).await;
    texts.sort();
    assert_eq!(
        texts,
        [
            "Settings saved: calls a second 1000 → as its gateways",
            "Settings saved: calls a second as its gateways → 1000",
            "Settings saved: figures en-US → en-IN; currency USD → INR",
        ]
    );
}

#[tokio::test]
async fn gdpr_mode_gives_everything_an_end_and_the_record_says_who_turned_what_on() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    save_retention(&mut tx, &Retention { calls_days: Some(30), ..Retention::default() }).await.expect("saved");
    save_privacy(&mut tx, Privacy { hipaa: true, gdpr: true }).await.expect("saved");
    assert_eq!(privacy(&mut tx).await.expect("read"), Privacy { hipaa: true, gdpr: true });
    let kept = load_retention(&mut tx).await.expect("read");
    assert_eq!(kept, Retention { calls_days: Some(30), ..Retention::GDPR }, "what was said stands");
    let refusal = told(save_retention(&mut tx, &Retention { contacts_days: None, ..kept }).await);
    assert!(refusal.of_field("contacts_days").is_some() && refusal.of_field("calls_days").is_none(), "{refusal}");
    let filter = EventFilter { kind: Some(EventKind::SettingsChanged), ..EventFilter::default() };
    let told_so = events::list(&mut tx, &filter).await.expect("events").items.into_iter().find(|e| e.text.starts_with("Privacy"));
    let told_so = told_so.expect("recorded");
    assert_eq!(told_so.who, "Company admin");
    assert_eq!(
        told_so.text,
        "Privacy saved: HIPAA mode off → on; GDPR mode off → on; recordings for ever → 90 days; transcripts for ever → 180 days; \
         contacts for ever → 1095 days"
    );
    save_privacy(&mut tx, Privacy::default()).await.expect("saved");
    save_retention(&mut tx, &Retention::default()).await.expect("without it everything may be kept");
    tx.commit().await.expect("commit");
    for role in [Role::Operator, Role::Viewer] {
        let mut tx = w.db.begin(&w.member(&acme, role).await).await.expect("begin");
        let refused = model::Error::Forbidden { permission: Permission::ManageSettings.to_string() };
        assert_eq!(told(save_privacy(&mut tx, Privacy { hipaa: true, gdpr: true }).await), refused, "{role}");
        assert_eq!(privacy(&mut tx).await.expect("everybody reads it"), Privacy::default());
    }
}
