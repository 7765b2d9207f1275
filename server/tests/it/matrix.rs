//! Every server function and every operation of the API, tried as everybody who is not let in or may less, about our things and
//! about things that nobody has: the answers are the same to the byte. The tables come from `isolation` and from our own OpenAPI
//! document, so that a new door is tried from the day it is made.

use crate::api::{Judge, OPEN, body, ours};
use crate::isolation::{BARRED, CASES, Case, Other, PHONE, SECRET, Things};
use crate::support::{Answer, Browser, PASSWORD, Site};
use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, Request, StatusCode, header};
use model::accounts::Role;
use model::api_keys::{ApiKeyForm, Scope};
use serde_json::Value;
use services::accounts::{self, tokens};
use services::testing::Someone;
use services::{Actor, api_keys};

/// How many probes each test must at least make; all of them together are more than ten thousand.
const SHUT_OUT_MIN: usize = 6_000;
const OTHERS_MIN: usize = 1_800;
const LESSER_MIN: usize = 900;
const PROGRAMS_MIN: usize = 2_000;
const _: () = assert!(SHUT_OUT_MIN + OTHERS_MIN + LESSER_MIN + PROGRAMS_MIN >= 10_000);

/// Whom an answer is for: JSON, our own pages, a browser without scripts.
const SPEECHES: &[Option<&str>] = &[None, Some("application/x-belfry"), Some("text/html")];
/// Ids that nobody has, in the clothes of ours.
const NOBODYS: [&str; 3] =
    ["77777777777777777777777777777777", "0190a6f0000070008000000000000001", "00000000000000000000000000000000"];
/// Between two probes, so that nobody asks too often.
const PACE: TimeDelta = TimeDelta::milliseconds(60);

/// What one probe heard.
#[derive(PartialEq, Debug)]
struct Heard {
    status: StatusCode,
    location: String,
    body: Vec<u8>,
}

/// One world with the company that is spied on, and a count.
struct Stage {
    site: Site,
    things: Things,
    admin: Browser,
    acme: Someone,
    probes: usize,
}

impl Stage {
    async fn new() -> Self {
        let site = Site::new().await;
        let admin = site.newcomer("acme").await;
        let things = Things::make(&site, &admin).await;
        let acme = site.company(&admin).await;
        Self { site, things, admin, acme, probes: 0 }
    }

    /// A member of some company, with a session.
    async fn member(&self, of: &Someone, role: Role) -> (Actor, Browser) {
        let member = self.site.world.member(of, role).await;
        let token = self.site.world.session(&member).await;
        (member, Browser { cookie: Some(format!("sid={token}")) })
    }

    async fn boss(&self) -> Actor {
        let platform = self.site.world.company("platform").await;
        self.site.world.member(&platform, Role::SuperAdmin).await
    }

    /// What a text about our things says about nobody's.
    fn about_nobody(&self, arguments: &str, id: &str) -> String {
        let t = &self.things;
        let ours: [String; 16] = [
            t.agent.to_string(),
            t.call.to_string(),
            t.company.to_string(),
            t.campaign.to_string(),
            t.contact.to_string(),
            t.document.to_string(),
            t.enrollment.to_string(),
            t.gateway.to_string(),
            t.import.to_string(),
            t.key.to_string(),
            t.invite.to_string(),
            t.lead.to_string(),
            t.order.to_string(),
            t.member.to_string(),
            t.session.to_string(),
            t.suppression.to_string(),
        ];
        ours.iter().fold(arguments.to_owned(), |text, ours| {
            let (kind, _) = ours.split_once('_').expect("a prefixed id");
            text.replace(ours, &format!("{kind}_{id}"))
        })
    }

    /// The arguments of a case: about ours, and then about nobody's.
    fn variants(&self, case: &Case) -> Vec<String> {
        let about_ours = self.things.fill(case.1);
        let others = NOBODYS.iter().map(|id| self.about_nobody(&about_ours, id)).collect::<Vec<_>>();
        [vec![about_ours], others].concat()
    }

    async fn probe(&mut self, who: &Browser, case: &Case, arguments: &str, speech: Option<&str>) -> Heard {
        self.probes += 1;
        self.site.world.clock.advance(PACE);
        let kind = if arguments.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut request = who
            .request(Method::POST, &format!("/fn/app/{}", case.0))
            .header(header::CONTENT_TYPE, kind)
            .header(header::REFERER, "http://belfry.test/campaigns")
            .header("sec-fetch-site", "same-origin");
        if let Some(speech) = speech {
            request = request.header(header::ACCEPT, speech);
        }
        let answer = Answer::read(self.site.send(request.body(arguments.to_owned().into()).expect("a request")).await).await;
        Heard { status: answer.status, location: answer.header("location").to_owned(), body: answer.body.to_vec() }
    }

    /// Tries one case as somebody in every speech, about ours and nobody's: the same answers, and nothing of ours in them.
    async fn compare(&mut self, name: &str, who: &Browser, case: &Case) -> StatusCode {
        let mut status = None;
        for speech in SPEECHES {
            let mut heard = Vec::new();
            for arguments in self.variants(case) {
                heard.push(self.probe(who, case, &arguments, *speech).await);
            }
            for answer in &heard {
                let told = format!("{}{}", answer.location, String::from_utf8_lossy(&answer.body));
                assert!(!answer.status.is_server_error(), "{} as {name}: {} {told}", case.0, answer.status);
                assert!(!told.contains(SECRET) && !told.contains(&PHONE[1..]), "{} told {name}: {told}", case.0);
                assert_eq!(answer, &heard[0], "{} as {name}, in {speech:?}: ours is not like nobody's", case.0);
            }
            status.get_or_insert(heard[0].status);
        }
        status.expect("a speech")
    }

    async fn request(&mut self, program: &Program, method: &Method, path: &str, operation: &Value) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path).header(header::HOST, "belfry.test");
        if let Some(bearer) = &program.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let sent = body(operation).map_or_else(Body::empty, |body| Body::from(body.to_string()));
        // Whoever guesses is counted by address: each probe has its own.
        let [_, _, c, d] = u32::try_from(self.probes).expect("few").to_be_bytes();
        self.probes += 1;
        Answer::read(self.site.send_from([198, 18, c, d], request.body(sent).expect("a request")).await).await
    }

    fn tell(&self, what: &str, least: usize) {
        println!("{what}: {} probes", self.probes);
        assert!(self.probes >= least, "{} probes are fewer than {least}: the table shrank", self.probes);
    }
}

#[tokio::test]
async fn who_has_no_session_gets_the_same_nothing_from_every_function() {
    let mut stage = Stage::new().await;
    let (site, boss) = (&stage.site, stage.boss().await);
    let (_, expired) = stage.member(&stage.acme, Role::CompanyAdmin).await;
    site.world.clock.advance(TimeDelta::hours(13));
    let (_, left) = stage.member(&stage.acme, Role::CompanyAdmin).await;
    accounts::sign_out(&site.world.db, left.token()).await.expect("signed out");
    let suspended = site.newcomer("gone").await;
    let gone = site.company(&suspended).await;
    services::clients::suspend(&site.world.db, &boss, gone.company, "unpaid").await.expect("suspended");
    let made_up = Browser { cookie: Some(format!("sid={}", "A".repeat(43))) };
    for (name, who) in [
        ("nobody", Browser::default()),
        ("a made-up session", made_up),
        ("an expired session", expired),
        ("a session that was left", left),
        ("a suspended company", suspended),
    ] {
        for case in CASES {
            // What is about oneself is the way back in.
            if name == "a suspended company" && BARRED.contains(&case.0) {
                let answer = stage.things.ask(&stage.site, &who, case).await;
                assert!(answer.status.is_success() || answer.status.is_client_error(), "{}: {}", case.0, answer.text());
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{} as {name}", case.0);
                continue;
            }
            let status = stage.compare(name, &who, case).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} as {name}", case.0);
        }
    }
    stage.tell("shut out", SHUT_OUT_MIN);
}

#[tokio::test]
async fn another_company_hears_of_our_things_what_it_hears_of_nobodys() {
    let mut stage = Stage::new().await;
    let other = stage.site.world.company("other").await;
    for role in [Role::CompanyAdmin, Role::Operator, Role::Viewer] {
        let (_, who) = stage.member(&other, role).await;
        for case in CASES.iter().filter(|case| case.2 == Other::Nothing) {
            let status = stage.compare(&format!("{role} of another company"), &who, case).await;
            let expected = match role {
                Role::Viewer if !case.3 => &[StatusCode::FORBIDDEN][..],
                Role::CompanyAdmin => &[StatusCode::NOT_FOUND],
                _ => &[StatusCode::NOT_FOUND, StatusCode::FORBIDDEN],
            };
            assert!(expected.contains(&status), "{} as {role} of another company: {status}", case.0);
        }
    }
    // All of ours is still there.
    for case in CASES.iter().filter(|case| case.0.contains("/load_") && case.1.contains('{')) {
        let answer = stage.things.ask(&stage.site, &stage.admin, case).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {}", case.0, answer.text());
    }
    stage.tell("another company", OTHERS_MIN);
}

#[tokio::test]
async fn what_a_role_may_not_do_is_refused_the_same_whatever_it_names() {
    let mut stage = Stage::new().await;
    let of_a_campaign = |case: &Case| ["{campaign}", "{call}", "{enrollment}"].iter().any(|thing| case.1.contains(thing));
    let (_, viewer) = stage.member(&stage.acme, Role::Viewer).await;
    for case in CASES.iter().filter(|case| !case.3) {
        let status = stage.compare("a viewer", &viewer, case).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} as a viewer", case.0);
    }
    let (_, operator) = stage.member(&stage.acme, Role::Operator).await;
    for case in CASES.iter().filter(|case| of_a_campaign(case) && case.2 == Other::Nothing) {
        let status = stage.compare("an operator of other campaigns", &operator, case).await;
        assert!([StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status), "{} as an operator: {status}", case.0);
    }
    stage.tell("lesser roles", LESSER_MIN);
}

/// How far a program comes.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// It always hears the same status.
    Shut(StatusCode),
    /// Of our things it hears what it hears of nobody's.
    Other,
    /// Like another company, but for what its role may read; `api` has the table of that.
    Lesser,
}

/// A program, and how far it comes.
struct Program {
    name: &'static str,
    bearer: Option<String>,
    reach: Reach,
}

/// Programs of everybody; made anew, because their tokens live for an hour.
async fn programs(stage: &Stage, other: &Someone, gone: &Someone, old: &str) -> Vec<Program> {
    let site = &stage.site;
    let key = async |by: &Actor| Some(site.key(by, Scope::ALL).await);
    let (viewer, operator) =
        (stage.member(&stage.acme, Role::CompanyAdmin).await.0, stage.member(&stage.acme, Role::CompanyAdmin).await.0);
    let (by_viewer, by_operator) = (key(&viewer).await, key(&operator).await);
    for (member, role) in [(&viewer, Role::Viewer), (&operator, Role::Operator)] {
        let user = member.user_id().expect("a person");
        services::team::set_role(&site.world.db, &stage.acme.actor, user, role).await.expect("role");
    }
    let mut tx = site.world.tx(&stage.acme).await;
    let form = ApiKeyForm { name: "gone".into(), scopes: Scope::ALL.to_vec(), ..ApiKeyForm::default() };
    let revoked = api_keys::create(&mut tx, &form).await.expect("a key");
    api_keys::revoke(&mut tx, revoked.id).await.expect("revoked");
    tx.commit().await.expect("commit");
    let pair = tokens::sign_in(&site.world.db, "admin@other.example", PASSWORD, None, &Default::default()).await.expect("in");
    let (no, shut) = (Reach::Shut(StatusCode::UNAUTHORIZED), Reach::Shut(StatusCode::FORBIDDEN));
    let program = |name, bearer, reach| Program { name, bearer, reach };
    vec![
        program("nobody", None, no),
        program("a made-up key", Some(format!("bfk_{}", "A".repeat(43))), no),
        program("an expired token", Some(old.to_owned()), no),
        program("a revoked key", Some(revoked.secret), no),
        program("a session's cookie as bearer", Some(stage.admin.token().to_owned()), no),
        program("a refresh token", Some(pair.refresh), no),
        program("a suspended company", key(&gone.actor).await, shut),
        program("an administrator of another company", key(&other.actor).await, Reach::Other),
        program("somebody signed in of another company", Some(pair.access), Reach::Other),
        program("a viewer", by_viewer, Reach::Lesser),
        program("an operator of other campaigns", by_operator, Reach::Lesser),
    ]
}

/// What was heard about ours, and then about nobody's.
fn judge(what: &str, reach: Reach, heard: &[Answer]) {
    let first = &heard[0];
    let hidden = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN];
    if reach == Reach::Lesser && !hidden.contains(&first.status) {
        let of_a_campaign = what.contains("/campaigns/") || what.contains("/calls/");
        assert!(!of_a_campaign || what.ends_with("a viewer"), "{what}: {} {}", first.status, first.text());
        return;
    }
    for answer in heard {
        let text = answer.text();
        assert_eq!((answer.status, &text), (first.status, &first.text()), "{what}: ours is not like nobody's");
        assert!(!text.contains(SECRET) && !text.contains(&PHONE[1..]), "{what} told {text}");
        let lawful = match reach {
            Reach::Shut(status) => answer.status == status,
            Reach::Other | Reach::Lesser => hidden.contains(&answer.status),
        };
        assert!(lawful, "{what}: {} {text}", answer.status);
    }
}

#[tokio::test]
async fn programs_hear_of_our_things_what_they_hear_of_nobodys() {
    let mut stage = Stage::new().await;
    let other = stage.site.company(&stage.site.newcomer("other").await).await;
    let (gone, boss) = (stage.site.world.company("gone").await, stage.boss().await);
    let old =
        tokens::sign_in(&stage.site.world.db, "admin@other.example", PASSWORD, None, &Default::default()).await.expect("in");
    stage.site.world.clock.advance(TimeDelta::hours(2));
    let programs = programs(&stage, &other, &gone, &old.access).await;
    services::clients::suspend(&stage.site.world.db, &boss, gone.company, "unpaid").await.expect("suspended");
    let operations = Judge::new(&stage.site).await.operations();
    for prefix in ["/api/v1", "/api"] {
        for program in &programs {
            for (method, path, operation) in &operations {
                let name = operation["operationId"].as_str().expect("an id");
                if OPEN.contains(&name) || name == "logout" {
                    continue;
                }
                let id = if path.contains("{id}") { ours(path, &stage.things) } else { String::new() };
                // Whoever is let in makes things of their own with writes that name nothing.
                if id.is_empty() && !matches!(program.reach, Reach::Shut(_)) {
                    continue;
                }
                let what = format!("{method} {prefix}{path} as {}", program.name);
                let mut heard = Vec::new();
                let others = NOBODYS.map(|nobodys| stage.about_nobody(&id, nobodys));
                for id in [&[id][..], &others].concat() {
                    let path = format!("{prefix}{}", path.replace("{id}", &id));
                    heard.push(stage.request(program, method, &path, operation).await);
                }
                judge(&what, program.reach, &heard);
            }
        }
    }
    stage.tell("programs", PROGRAMS_MIN);
}
