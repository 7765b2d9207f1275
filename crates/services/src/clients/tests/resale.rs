//! Companies of companies: what reaches down, and that nothing reaches up or sideways.

use super::*;
use crate::clients::{brands, resale};
use crate::jobs::Job;
use crate::{check, companies, credits, features, gateways, notices, team};
use model::clients::{NewClient, OwnClient};
use model::credits::{Credits, LedgerFilter, MovementKind};
use model::features::Feature;
use model::id::{MovementId, Uuid};
use sqlx::AssertSqlSafe;
use std::sync::atomic::{AtomicU64, Ordering};

/// A company that may open others, and its administrator in person.
async fn reseller(w: &World, root: &Caller, name: &str) -> (Someone, Caller) {
    let company = w.company(name).await;
    features::set(&w.db, &root.actor, company.company, Feature::ClientCompanies, Some(true)).await.expect("turned on");
    let caller = resolved(w, &w.session(&company.actor).await).await;
    (company, caller)
}

fn new(name: &str) -> NewClient {
    NewClient { name: name.to_owned(), email: format!("{name}@client.example"), concurrency_max: 8 }
}

/// A client of that company, with an administrator of its own.
async fn opened(w: &World, of: &Caller, name: &str) -> Someone {
    let company = resale::open(&w.db, &of.actor, &new(name)).await.expect("opened");
    let someone = Someone { company, actor: w.engine(company) };
    let actor = w.member(&someone, Role::CompanyAdmin).await;
    Someone { company, actor }
}

/// The name of another gift each time.
fn gift() -> MovementId {
    static GIFTS: AtomicU64 = AtomicU64::new(1);
    MovementId::from(Uuid::from_u64_pair(7, GIFTS.fetch_add(1, Ordering::Relaxed)))
}

async fn left(w: &World, of: CompanyId) -> Credits {
    let mut tx = w.db.begin(&w.engine(of)).await.expect("begin");
    credits::available(&mut tx).await.expect("balance")
}

async fn ours(w: &World, who: &Caller) -> Vec<OwnClient> {
    resale::list(&w.db, &who.actor).await.expect("list").clients
}

async fn nothing_is_wrong(w: &World) {
    assert_eq!(check::run(&w.db).await.expect("checked").violations, Vec::<String>::new());
}

#[tokio::test]
async fn a_client_is_opened_without_credits_with_a_limit_and_its_first_administrator_is_asked_in() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let client = resale::open(&w.db, &maya.actor, &new("clinic")).await.expect("opened");
    assert_eq!((left(&w, client).await, left(&w, agency.company).await), (Credits::ZERO, credits::WELCOME), "nothing is made");
    let row = ours(&w, &maya).await.remove(0);
    assert_eq!((row.id, row.name.as_str(), row.concurrency_max, row.members), (client, "clinic", 8, 0));
    let mut tx = w.db.begin(&w.engine(client)).await.expect("begin");
    let settings = companies::settings(&mut tx).await.expect("settings");
    assert_eq!((settings.concurrency_max, settings.time_zone.as_str()), (8, "America/New_York"));
    assert_eq!(gateways::list(&mut tx).await.expect("gateways").len(), 1, "its sandbox is there");
    let (to, role): (String, Role) = sqlx::query_as("select email, role from invites").fetch_one(tx.conn()).await.expect("one");
    assert_eq!((to.as_str(), role), ("clinic@client.example", Role::CompanyAdmin));
    drop(tx);
    let inside = Someone {
        company: client,
        actor: w.member(&Someone { company: client, actor: w.engine(client) }, Role::CompanyAdmin).await,
    };
    let told = "Opened by Company admin, with 8 calls at once at most".to_owned();
    assert!(kinds(&w, &inside).await.contains(&(EventKind::ClientOpened, told)));
    assert!(kinds(&w, &agency).await.contains(&(EventKind::ClientOpened, "clinic opened for a client".to_owned())));
    for (field, bad) in [
        ("name", NewClient { name: " ".into(), ..new("x") }),
        ("email", NewClient { email: "nobody".into(), ..new("x") }),
        ("concurrency_max", NewClient { concurrency_max: 0, ..new("x") }),
        ("concurrency_max", NewClient { concurrency_max: 1_001, ..new("x") }),
    ] {
        assert!(told_of(resale::open(&w.db, &maya.actor, &bad).await, field), "{field}");
    }
    nothing_is_wrong(&w).await;
}

fn told_of<T: std::fmt::Debug>(result: Result<T>, field: &str) -> bool {
    told(result).of_field(field).is_some()
}

#[tokio::test]
async fn it_is_one_level_deep_and_only_where_it_is_turned_on() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let acme = w.company("acme").await;
    let plain = resale::open(&w.db, &acme.actor, &new("x")).await;
    assert!(matches!(told(plain), Error::Conflict { .. }), "not turned on");
    let (_, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    let deeper = features::set(&w.db, &root.actor, clinic.company, Feature::ClientCompanies, Some(true)).await;
    assert!(matches!(told(deeper), Error::Conflict { .. }));
    // Even if it were turned on.
    let mut tx = w.db.begin_system(SystemTask::Admin).await.expect("begin");
    sqlx::query(
        "insert into features (company_id, feature, is_on, set_by, set_at) values ($1, 'client_companies', true, '', $2)",
    )
    .bind(clinic.company)
    .bind(w.clock.now())
    .execute(tx.conn())
    .await
    .expect("forged");
    tx.commit().await.expect("commit");
    assert!(matches!(told(resale::open(&w.db, &clinic.actor, &new("y")).await), Error::Conflict { .. }));
    for role in [Role::Operator, Role::Viewer] {
        let member = w.member(&Someone { company: maya.actor.company(), actor: maya.actor.clone() }, role).await;
        assert!(matches!(told(resale::list(&w.db, &member).await), Error::Forbidden { .. }), "{role}");
    }
}

#[tokio::test]
async fn a_client_chooses_within_its_limit_and_a_lower_limit_holds_at_once() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (_, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    let choose = async |calls: i32| {
        let mut tx = w.tx(&clinic).await;
        let settings = companies::settings(&mut tx).await.expect("settings");
        let saved = companies::save_settings(&mut tx, &model::companies::Settings { concurrency_max: calls, ..settings }).await;
        tx.commit().await.expect("commit");
        saved
    };
    choose(8).await.expect("all it may");
    assert!(told_of(choose(9).await, "concurrency_max"));
    resale::set_limit(&w.db, &maya.actor, clinic.company, 3).await.expect("lowered");
    let mut tx = w.tx(&clinic).await;
    let cap: i32 =
        sqlx::query_scalar("select cap from capacity where scope = 'company'").fetch_one(tx.conn()).await.expect("cap");
    assert_eq!((companies::settings(&mut tx).await.expect("settings").concurrency_max, cap), (3, 3));
    drop(tx);
    assert!(told_of(choose(4).await, "concurrency_max"));
    resale::set_limit(&w.db, &maya.actor, clinic.company, 10).await.expect("raised");
    choose(10).await.expect("it may again");
    assert!(told_of(resale::set_limit(&w.db, &maya.actor, clinic.company, 0).await, "concurrency_max"));
    let text = "Limits saved: calls at once at most 8 → 3".to_owned();
    assert!(kinds(&w, &clinic).await.contains(&(EventKind::SettingsChanged, text)));
}

// ── credits ─────────────────────────────────────────────────────────────────

#[tokio::test]
async fn credits_leave_one_and_arrive_at_the_other_and_both_read_it() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    resale::give(&w.db, &maya.actor, clinic.company, gift(), Credits(7_500), " May ").await.expect("given");
    assert_eq!((left(&w, agency.company).await, left(&w, clinic.company).await), (Credits(12_500), Credits(7_500)));
    for (who, kind, note) in [(&agency, MovementKind::TransferOut, "clinic"), (&clinic, MovementKind::TransferIn, "May")] {
        let mut tx = w.tx(who).await;
        let ledger =
            credits::ledger(&mut tx, &LedgerFilter { kind: Some(kind), ..LedgerFilter::default() }).await.expect("ledger");
        let line = &ledger.items[0];
        assert_eq!((ledger.total, line.amount, line.note.as_str()), (1, Credits(7_500), note));
        assert_eq!(credits::wallet(&mut tx).await.expect("wallet").received, left(&w, who.company).await);
    }
    assert!(kinds(&w, &clinic).await.contains(&(EventKind::CreditsMoved, "Got 7.500 credits from Company admin: May".into())));
    assert!(kinds(&w, &agency).await.contains(&(EventKind::CreditsMoved, "Gave clinic 7.500 credits: May".into())));
    nothing_is_wrong(&w).await;
    // More than there is, nothing, and less than nothing.
    let short = told(resale::give(&w.db, &maya.actor, clinic.company, gift(), Credits(12_501), "").await);
    assert_eq!(short, Error::InsufficientCredits { needed: 12_501, available: 12_500 });
    for bad in [Credits::ZERO, Credits(-1), credits::ADJUST_MAX + Credits(1)] {
        assert!(told_of(resale::give(&w.db, &maya.actor, clinic.company, gift(), bad, "").await, "amount"), "{bad}");
    }
    assert!(told_of(resale::give(&w.db, &maya.actor, clinic.company, gift(), Credits(1), &"n".repeat(201)).await, "note"));
    assert_eq!((left(&w, agency.company).await, left(&w, clinic.company).await), (Credits(12_500), Credits(7_500)));
}

#[tokio::test]
async fn a_gift_that_is_sent_again_is_given_once() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let (clinic, shop) = (opened(&w, &maya, "clinic").await, opened(&w, &maya, "shop").await);
    let one = resale::list(&w.db, &maya.actor).await.expect("list").gift;
    let give = |to: CompanyId, amount: Credits| resale::give(&w.db, &maya.actor, to, one, amount, "May");
    // Once after the other, and at the same moment.
    give(clinic.company, Credits::whole(2)).await.expect("given");
    give(clinic.company, Credits::whole(2)).await.expect("known");
    let answers = futures::future::join_all((0..6).map(|_| give(shop.company, Credits::whole(3)))).await;
    assert!(answers.iter().any(std::result::Result::is_ok), "{answers:?}");
    for refused in answers.into_iter().filter_map(std::result::Result::err) {
        assert!(matches!(refused, Inner::Told(Error::Conflict { .. })), "{refused}");
    }
    assert_eq!(left(&w, agency.company).await, Credits::whole(15));
    assert_eq!((left(&w, clinic.company).await, left(&w, shop.company).await), (Credits::whole(2), Credits::whole(3)));
    let told = kinds(&w, &agency).await.into_iter().filter(|(kind, _)| *kind == EventKind::CreditsMoved).count();
    assert_eq!(told, 2, "one event for each gift");
    // Gone back to the form for another amount: that is another gift.
    give(clinic.company, Credits::whole(4)).await.expect("given");
    assert_eq!(left(&w, clinic.company).await, Credits::whole(6));
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn whatever_is_given_to_whom_the_sum_stays_and_nobody_owes() {
    for seed in 1..=4 {
        let w = World::with_seed(seed).await;
        let (_, root) = platform(&w).await;
        let (agency, maya) = reseller(&w, &root, "agency").await;
        let mut clients = Vec::new();
        for name in ["one", "two", "three"] {
            clients.push(resale::open(&w.db, &maya.actor, &new(name)).await.expect("opened"));
        }
        let (mut model, mut given) = ([20_000_i64, 0, 0, 0], 0);
        for step in 0..25 {
            let luck = u64::from_le_bytes(w.db.luck::<8>());
            let (to, amount) = ((luck % 3) as usize, (luck >> 8) as i64 % 4_000 + 1);
            let answer = resale::give(&w.db, &maya.actor, clients[to], gift(), Credits(amount), "").await;
            assert_eq!(answer.is_ok(), amount <= model[0], "seed {seed}, step {step}: {answer:?}");
            if answer.is_ok() {
                model[0] -= amount;
                model[to + 1] += amount;
                given += 1;
            }
            let mut real = vec![left(&w, agency.company).await.0];
            for client in &clients {
                real.push(left(&w, *client).await.0);
            }
            assert_eq!((real.as_slice(), real.iter().sum::<i64>()), (model.as_slice(), 20_000), "seed {seed}, step {step}");
        }
        assert!((1..25).contains(&given), "seed {seed} proves little: {given} of 25 were given");
        nothing_is_wrong(&w).await;
    }
}

#[tokio::test]
async fn many_who_give_at_once_never_give_more_than_there_is() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let (one, two) = (opened(&w, &maya, "one").await, opened(&w, &maya, "two").await);
    let gifts = (0..12).map(|n| {
        let to = if n % 2 == 0 { one.company } else { two.company };
        resale::give(&w.db, &maya.actor, to, gift(), Credits::whole(3), "")
    });
    let answers = futures::future::join_all(gifts).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 6, "six times three fit into twenty: {answers:?}");
    for refused in answers.into_iter().filter_map(std::result::Result::err) {
        assert!(matches!(refused, Inner::Told(Error::InsufficientCredits { .. })), "{refused}");
    }
    assert_eq!(left(&w, agency.company).await, Credits::whole(2));
    assert_eq!(left(&w, one.company).await + left(&w, two.company).await, Credits::whole(18));
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn half_a_transfer_is_found_by_the_checker() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    credits::receive(&mut tx, "transfer:forged", Credits::whole(5), "from nowhere").await.expect("forged");
    tx.commit().await.expect("commit");
    let found = check::run(&w.db).await.expect("checked").violations;
    assert!(found.len() == 1 && found[0].contains("0 left, 1 arrived"), "{found:?}");
}

#[tokio::test]
async fn a_client_that_got_credits_and_a_reseller_that_ran_low_are_looked_after() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    resale::give(&w.db, &maya.actor, clinic.company, gift(), Credits::whole(16), "").await.expect("given");
    let jobs = w.jobs::<notices::MailNotice>(agency.company).await.expect("jobs");
    assert_eq!(jobs.len(), 1, "four credits are left, less than five");
    jobs[0].clone().run(w.db.clone()).await.expect("mailed");
    assert_eq!(w.jobs::<notices::MailNotice>(clinic.company).await.expect("jobs").len(), 0);
}

// ── walls ───────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_reseller_reaches_its_own_clients_and_no_others() {
    let w = World::new().await;
    let (home, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let (rival, rita) = reseller(&w, &root, "rival").await;
    let (clinic, shop) = (opened(&w, &maya, "clinic").await, opened(&w, &rita, "shop").await);
    assert_eq!(ours(&w, &maya).await.iter().map(|row| row.id).collect::<Vec<_>>(), [clinic.company]);
    assert_eq!(ours(&w, &rita).await.iter().map(|row| row.id).collect::<Vec<_>>(), [shop.company]);
    let nobody = CompanyId::from(Uuid::from_u128(7));
    for not_ours in [shop.company, rival.company, agency.company, home.company, nobody] {
        for refused in [
            resale::give(&w.db, &maya.actor, not_ours, gift(), Credits(1), "").await.err(),
            resale::set_limit(&w.db, &maya.actor, not_ours, 5).await.err(),
            resale::enter(&w.db, &maya, not_ours, &office()).await.err(),
        ] {
            assert!(matches!(refused, Some(Inner::Told(Error::NotFound { .. }))), "{not_ours}: {refused:?}");
        }
    }
    assert_eq!(left(&w, shop.company).await, Credits::ZERO);
    let clinic_admin = resolved(&w, &w.session(&clinic.actor).await).await;
    assert!(matches!(told(resale::list(&w.db, &clinic_admin.actor).await), Error::Conflict { .. }));
    let up = resale::enter(&w.db, &clinic_admin, agency.company, &office()).await;
    assert!(matches!(told(up), Error::Conflict { .. }));
}

#[tokio::test]
async fn behind_its_wall_a_client_sees_its_limit_and_not_whose_it_is() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let (clinic, shop) = (opened(&w, &maya, "clinic").await, opened(&w, &maya, "shop").await);
    brands::choose_color(&mut w.tx(&agency).await, "#1f5f8b").await.expect("chosen");
    let mut tx = w.tx(&clinic).await;
    let limits: Vec<i32> =
        sqlx::query_scalar("select concurrency_max from client_terms").fetch_all(tx.conn()).await.expect("its own");
    assert_eq!(limits, [8], "neither its sibling's");
    for (who, sees) in [(&clinic, 1_i64), (&shop, 1), (&agency, 0)] {
        let mut tx = w.tx(who).await;
        let rows: i64 = sqlx::query_scalar("select count(*) from client_terms").fetch_one(tx.conn()).await.expect("count");
        let companies: i64 = sqlx::query_scalar("select count(*) from companies").fetch_one(tx.conn()).await.expect("count");
        assert_eq!((rows, companies), (sees, 1));
    }
    for sql in
        ["select parent_id from client_terms", "update client_terms set concurrency_max = 1000", "delete from client_terms"]
    {
        let mut tx = w.tx(&clinic).await;
        let refused = sqlx::query(AssertSqlSafe(sql)).execute(tx.conn()).await.expect_err(sql);
        assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
    }
    // What its people read names nobody above it, and no company beside it.
    let caller = resolved(&w, &w.session(&clinic.actor).await).await;
    let seen = format!("{:?} {:?}", accounts::me(&w.db, &caller).await.expect("me"), kinds(&w, &clinic).await);
    for secret in ["agency", "shop", &agency.company.to_string(), &shop.company.to_string()] {
        assert!(!seen.contains(secret), "{secret} is in {seen}");
    }
}

#[tokio::test]
async fn a_companys_transaction_does_not_leave_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    assert!(w.tx(&acme).await.outside().await.is_err());
}

// ── inside ──────────────────────────────────────────────────────────────────

#[tokio::test]
async fn an_administrator_acts_inside_an_own_client_and_goes_home() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    let token = resale::enter(&w.db, &maya, clinic.company, &office()).await.expect("inside");
    let inside = resolved(&w, &token).await;
    assert_eq!((inside.actor.company(), inside.acting, inside.actor.role), (clinic.company, true, Role::CompanyAdmin));
    for never in [Permission::AdminPlatform, Permission::AdjustCredits] {
        assert!(!inside.actor.may(never), "{never}");
    }
    let me = accounts::me(&w.db, &inside).await.expect("me");
    assert!(me.acting && !me.has_clients && me.company_name == "clinic");
    team::invite(&w.db, &inside.actor, "nora@client.example", Role::Viewer).await.expect("they look after its team");
    let again = resale::enter(&w.db, &inside, clinic.company, &office()).await;
    assert!(matches!(told(again), Error::Conflict { .. }));
    let entered = (EventKind::CompanyEntered, "Company admin acts inside as company admin, from 192.0.2.9".into());
    assert!(kinds(&w, &clinic).await.contains(&entered));
    let back = leave(&w.db, &inside, &office()).await.expect("home");
    assert!(accounts::resolve(&w.db, &token).await.expect("resolve").is_none());
    let home = resolved(&w, &back).await;
    assert_eq!((home.actor.company(), home.acting), (agency.company, false));
    assert!(kinds(&w, &clinic).await.iter().any(|(kind, _)| *kind == EventKind::CompanyLeft));
    assert!(accounts::me(&w.db, &home).await.expect("me").has_clients);
}

#[tokio::test]
async fn acting_inside_a_client_ends_with_the_right_to_it() {
    let ends = [
        "update members set role = 'operator' where user_id = $1",
        "update members set deactivated_at = created_at where user_id = $1",
        "update companies set suspended_at = created_at, suspended_because = 'unpaid' where id in (select company_id from members where user_id = $1)",
        "delete from client_terms where parent_id in (select company_id from members where user_id = $1)",
    ];
    for sql in ends {
        let w = World::new().await;
        let (_, root) = platform(&w).await;
        let (agency, maya) = reseller(&w, &root, "agency").await;
        let clinic = opened(&w, &maya, "clinic").await;
        let token = resale::enter(&w.db, &maya, clinic.company, &office()).await.expect("inside");
        let inside = resolved(&w, &token).await;
        let mut tx = w.db.begin_system(SystemTask::Admin).await.expect("begin");
        sqlx::query(AssertSqlSafe(sql)).bind(agency.actor.user_id()).execute(tx.conn()).await.expect("changed");
        tx.commit().await.expect("commit");
        assert!(accounts::resolve(&w.db, &token).await.expect("resolve").is_none(), "{sql}");
        let invited = team::invite(&w.db, &inside.actor, "nora@client.example", Role::Viewer).await;
        if !sql.contains("suspended") {
            assert!(matches!(told(invited), Error::Forbidden { .. }), "{sql}");
        }
    }
}

#[tokio::test]
async fn a_visitor_obeys_what_the_client_and_the_platform_ask() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (_, maya) = reseller(&w, &root, "agency").await;
    let clinic = opened(&w, &maya, "clinic").await;
    let token = resale::enter(&w.db, &maya, clinic.company, &office()).await.expect("inside");
    w.require_second_factor(clinic.company).await;
    assert_eq!(resolved(&w, &token).await.barred, Some(Bar::TwoFactor));
    suspend(&w.db, &root.actor, clinic.company, "Unpaid").await.expect("suspended");
    assert_eq!(resolved(&w, &token).await.barred, Some(Bar::Suspended));
    assert!(ours(&w, &maya).await[0].suspended);
    let (_, other) = reseller(&w, &root, "other").await;
    let shop = opened(&w, &other, "shop").await;
    suspend(&w.db, &root.actor, shop.company, "Unpaid").await.expect("suspended");
    assert!(matches!(told(resale::enter(&w.db, &other, shop.company, &office()).await), Error::Conflict { .. }));
}

// ── brand ───────────────────────────────────────────────────────────────────

/// One pixel, as a lossless WebP.
const PIXEL: &[u8] = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\0\0\0\0\0";

#[tokio::test]
async fn clients_see_the_brand_of_who_opened_them_and_nobody_else_does() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let (agency, maya) = reseller(&w, &root, "agency").await;
    let (_, rita) = reseller(&w, &root, "rival").await;
    let (clinic, shop) = (opened(&w, &maya, "clinic").await, opened(&w, &rita, "shop").await);
    let mut tx = w.tx(&agency).await;
    assert_eq!(brands::load(&mut tx).await.expect("none yet"), None);
    brands::choose_color(&mut tx, "#1F5F8B").await.expect("chosen");
    brands::choose_logo(&mut tx, PIXEL).await.expect("chosen");
    brands::choose_logo(&mut tx, PIXEL).await.expect("another");
    for (field, refused) in [
        ("color", told(brands::choose_color(&mut tx, "#ffffff").await)),
        ("file", told(brands::choose_logo(&mut tx, b"<svg/>").await)),
    ] {
        assert!(refused.of_field(field).is_some(), "{refused}");
    }
    tx.commit().await.expect("commit");
    let brand = model::clients::Brand { color: "#1f5f8b".into(), logo: Some("/brand/logo?v=2".into()) };
    for (who, sees) in [(&agency, true), (&clinic, true), (&shop, false)] {
        let caller = resolved(&w, &w.session(&who.actor).await).await;
        assert_eq!(accounts::me(&w.db, &caller).await.expect("me").brand, sees.then(|| brand.clone()));
        let logo = brands::logo(&w.db, &caller).await.expect("logo");
        assert_eq!(logo.map(|logo| (logo.content_type, logo.bytes)), sees.then(|| ("image/webp".to_owned(), PIXEL.to_vec())));
    }
    let mut tx = w.tx(&agency).await;
    brands::remove(&mut tx).await.expect("removed");
    assert_eq!(brands::load(&mut tx).await.expect("none"), None);
    let mut tx = w.tx(&clinic).await;
    assert!(matches!(told(brands::choose_color(&mut tx, "#000000").await), Error::Conflict { .. }), "clients have no clients");
}
