//! Signing in with Google and LinkedIn at the doors, against a provider of our own that is like each of them and lies in every way.

use crate::issuer::{Fault, Issuer};
use crate::support::{Answer, Browser, PASSWORD, Site};
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode};
use model::accounts::Role;
use model::events::{EventFilter, EventKind};
use model::identities::IdentityProvider::{self, Google, LinkedIn};
use model::identities::Refusal;
use model::two_factor::TwoFactor;
use serde_json::{Value, json};
use server::Patience;
use services::{clients, events, mails};
use std::collections::BTreeMap;

const ADMIN: &str = "admin@harbor.example";
const REGISTER: &str = "/fn/app/auth/newcomer/open_account_with";
const LINK: &str = "/fn/app/account/identities/link_identity";
const UNLINK: &str = "/fn/app/account/identities/unlink_identity";
const WHO: &str = "/fn/app/session/current_session";

/// A site, and a provider at which it is registered.
struct Stage {
    site: Site,
    issuer: Issuer,
}

/// A browser that keeps every cookie.
#[derive(Clone, Default)]
struct Traveller(BTreeMap<String, String>);

impl Traveller {
    fn of(browser: &Browser) -> Self {
        Self(BTreeMap::from([("sid".to_owned(), browser.token().to_owned())]))
    }

    fn browser(&self) -> Browser {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Browser { cookie: Some(pairs.join("; ")) }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let (pair, rest) = line.to_str().expect("text").split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Lax") && rest.contains("Path=/"), "{line:?}");
            if value.is_empty() {
                self.0.remove(name)
            } else {
                self.0.insert(name.to_owned(), value.to_owned())
            };
        }
    }

    async fn visit(&mut self, site: &Site, path: &str) -> Answer {
        let answer = site.visit(&self.browser(), path).await;
        self.keep(&answer.headers);
        answer
    }

    async fn submit(&mut self, site: &Site, from: &str, path: &str, form: &str) -> Answer {
        let answer = site.submit(&self.browser(), from, path, form).await;
        self.keep(&answer.headers);
        answer
    }

    async fn who(&self, site: &Site) -> Value {
        site.call(&self.browser(), WHO, "").await.json()
    }

    fn is_in(&self) -> bool {
        self.0.contains_key("sid")
    }
}

impl Stage {
    async fn new(provider: IdentityProvider) -> Self {
        let issuer = Issuer::new(provider).await;
        let site = Site::configured(Patience::default(), |config| issuer.configure(config)).await;
        let stage = Self { site, issuer };
        stage.person("107", json!({}));
        stage
    }

    /// Somebody else is signed in at the provider from now on.
    fn person(&self, subject: &str, claims: Value) {
        let mut plan = self.issuer.plan();
        plan.subject = subject.to_owned();
        plan.claims = claims;
        plan.now = self.site.world.clock.now().timestamp();
    }

    async fn away(&self, who: &mut Traveller) -> String {
        let answer = who.visit(&self.site, &format!("/sign-in/with/{}?next=%2Fcampaigns%3Fpage%3D2", self.issuer.provider)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// There and back again.
    async fn sign_in(&self, who: &mut Traveller) -> Answer {
        let home = self.issuer.agree(&self.away(who).await);
        who.visit(&self.site, &home).await
    }

    async fn refused(&self, who: &mut Traveller, why: Refusal) {
        let answer = self.sign_in(who).await;
        self.is_refused(who, &answer, why).await;
    }

    async fn is_refused(&self, who: &mut Traveller, answer: &Answer, why: Refusal) {
        let page = format!("/sign-in/refused?why={why}&with={}", self.issuer.provider);
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, page.as_str()), "{why}");
        let shown = who.visit(&self.site, &page).await.text();
        assert!(shown.contains(why.label()), "{shown}");
    }

    /// An administrator whose address is confirmed, past the choice of a company type.
    async fn admin(&self) -> Browser {
        self.site.newcomer("harbor").await
    }

    /// The linked ones begin by this.
    async fn start_linking(&self, who: &mut Traveller, password: &str) -> Answer {
        who.submit(&self.site, "/account/identities", LINK, &format!("password={password}&provider={}", self.issuer.provider))
            .await
    }

    async fn link(&self, who: &mut Traveller) -> Answer {
        let proven = self.start_linking(who, PASSWORD).await;
        let onward = format!("/sign-in/link/{}", self.issuer.provider);
        assert_eq!((proven.status, proven.header("location")), (StatusCode::FOUND, onward.as_str()), "{}", proven.text());
        let page = who.visit(&self.site, &onward).await.text();
        let (_, rest) = page.split_once("<a href=\"").expect("a link");
        let (url, _) = rest.split_once('"').expect("its end");
        let home = self.issuer.agree(&url.replace("&amp;", "&"));
        who.visit(&self.site, &home).await
    }

    async fn register(&self, who: &mut Traveller, email: &str) -> Answer {
        let form = format!("form[name]=Ana&form[email]={}&form[company_name]=Lighthouse", email.replace('@', "%40"));
        who.submit(&self.site, "/register/with", REGISTER, &form).await
    }

    /// The texts of the record about this, the newest first.
    async fn recorded(&self, of: &Browser, kind: EventKind) -> Vec<String> {
        let mut tx = self.site.world.tx(&self.site.company(of).await).await;
        let filter = EventFilter { kind: Some(kind), ..EventFilter::default() };
        events::list(&mut tx, &filter).await.expect("events").items.into_iter().map(|row| row.text).collect()
    }
}

fn claims(email: &str, verified: bool) -> Value {
    json!({ "email": email, "email_verified": verified, "name": "Ana Lima" })
}

#[tokio::test]
async fn somebody_new_registers_without_a_password_and_comes_back_the_same_way() {
    let stage = Stage::new(Google).await;
    stage.person("107", claims("Ana@Lighthouse.example", true));
    let mut ana = Traveller::default();
    let sign_in = ana.visit(&stage.site, "/sign-in?next=%2Fcampaigns").await.text();
    assert!(sign_in.contains("href=\"/sign-in/with/google?next=%2Fcampaigns\"") && !sign_in.contains("LinkedIn"), "{sign_in}");

    let home = stage.sign_in(&mut ana).await;
    assert_eq!((home.status, home.header("location")), (StatusCode::SEE_OTHER, "/register/with"));
    assert!(!ana.is_in() && !ana.0.contains_key("trip"), "{:?}", ana.0);
    let page = ana.visit(&stage.site, "/register/with").await.text();
    assert!(page.contains("value=\"Ana Lima\"") && page.contains("value=\"ana@lighthouse.example\""), "{page}");
    let bad = ana.submit(&stage.site, "/register/with", REGISTER, "form[name]=Ana&form[email]=ana&form[company_name]=").await;
    let back = bad.header("location").trim_start_matches("http://belfry.test").to_owned();
    let again = ana.visit(&stage.site, &back).await.text();
    assert!(again.contains("like name@company.com") && again.contains("value=\"ana\""), "{again}");

    let done = stage.register(&mut ana, "ana@lighthouse.example").await;
    assert_eq!((done.status, done.header("location")), (StatusCode::FOUND, "/welcome"), "{}", done.text());
    let me = ana.who(&stage.site).await;
    assert_eq!(
        (&me["me"]["confirmed"], &me["me"]["company_name"]),
        (&true.into(), &"Lighthouse".into()),
        "both know the address"
    );
    assert!(!ana.0.contains_key("newcomer"), "{:?}", ana.0);
    assert!(mails::recent(&stage.site.world.db).await.expect("the mailbox").is_empty(), "there is nothing to confirm");

    let mut phone = Traveller::default();
    let back = stage.sign_in(&mut phone).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, "/campaigns?page=2"));
    assert!(phone.is_in() && phone.0["sid"] != ana.0["sid"]);
    let signed_in = stage.recorded(&Browser { cookie: Some(format!("sid={}", phone.0["sid"])) }, EventKind::UserSignedIn).await;
    assert_eq!(signed_in, ["Signed in with Google from 203.0.113.7"]);

    let password = format!("email=ana%40lighthouse.example&password={PASSWORD}");
    let none = stage.site.call(&Browser::default(), "/fn/app/auth/sign_in/sign_in", &password).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "there is no password to guess");
}

#[tokio::test]
async fn an_address_is_confirmed_only_if_the_provider_verified_it_and_it_is_unchanged() {
    for (verified, told, registered) in
        [(false, "ana@lighthouse.example", "ana@lighthouse.example"), (true, "ana@lighthouse.example", "ana@private.example")]
    {
        let stage = Stage::new(LinkedIn).await;
        stage.person("li-1", claims(told, verified));
        let mut ana = Traveller::default();
        stage.sign_in(&mut ana).await;
        let done = stage.register(&mut ana, registered).await;
        assert_eq!(done.header("location"), "/welcome", "{}", done.text());
        assert_eq!(ana.who(&stage.site).await["me"]["confirmed"], false);
        let mails = mails::recent(&stage.site.world.db).await.expect("the mailbox");
        assert!(mails[0].body.contains("/confirm?token=") && mails[0].to_address == registered);
    }
}

#[tokio::test]
async fn linkedin_may_tell_nothing_but_who_one_is() {
    let stage = Stage::new(LinkedIn).await;
    stage.person("li-1", json!({}));
    let mut ana = Traveller::default();
    assert_eq!(stage.sign_in(&mut ana).await.header("location"), "/register/with");
    let page = ana.visit(&stage.site, "/register/with").await.text();
    assert!(page.contains("LinkedIn knows you"), "{page}");
    assert_eq!(stage.register(&mut ana, "ana@lighthouse.example").await.header("location"), "/welcome");
    let again =
        ana.submit(&stage.site, "/register/with", REGISTER, "form[name]=A&form[email]=b%40c.de&form[company_name]=C").await;
    assert!(!again.header("set-cookie").starts_with("sid="), "a registration is used up: {}", again.header("set-cookie"));
}

#[tokio::test]
async fn an_account_is_linked_when_both_sides_know_its_address() {
    let stage = Stage::new(Google).await;
    let maya = stage.admin().await;
    stage.person("107", claims("Admin@Harbor.example", true));
    let mut phone = Traveller::default();
    let home = stage.sign_in(&mut phone).await;
    assert_eq!((home.status, home.header("location")), (StatusCode::SEE_OTHER, "/campaigns?page=2"));
    assert_eq!(phone.who(&stage.site).await["me"]["email"], ADMIN);
    let mails = mails::recent(&stage.site.world.db).await.expect("the mailbox");
    let notices: Vec<_> = mails.iter().filter(|mail| mail.subject.starts_with("Security notice")).collect();
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (notices[0].to_address.as_str(), notices[0].subject.as_str()),
        (ADMIN, "Security notice: Signing in with Google was linked to your account")
    );
    assert_eq!(stage.recorded(&maya, EventKind::IdentityLinked).await, ["Google linked from 203.0.113.7"]);
    // From now on the address does not matter any more.
    stage.person("107", claims("elsewhere@mail.example", false));
    assert_eq!(stage.sign_in(&mut Traveller::default()).await.header("location"), "/campaigns?page=2");
    // Who has the address there later is somebody else.
    stage.person("999", claims(ADMIN, true));
    stage.refused(&mut Traveller::default(), Refusal::LinkFirst).await;
}

#[tokio::test]
async fn an_address_that_one_side_does_not_know_opens_no_account() {
    let stage = Stage::new(LinkedIn).await;
    stage.admin().await;
    for told in [claims(ADMIN, false), json!({ "email": ADMIN, "name": "Eve" })] {
        stage.person("li-9", told);
        let mut eve = Traveller::default();
        stage.refused(&mut eve, Refusal::LinkFirst).await;
        assert!(!eve.is_in());
    }
    // Whoever registers a stranger's address first must not be let into what they do later.
    let form = format!("form[name]=Eve&form[email]=victim%40mail.example&form[password]={PASSWORD}&form[company_name]=Evil");
    stage.site.call(&Browser::default(), "/fn/app/auth/register/open_account", &form).await;
    stage.person("li-1", claims("victim@mail.example", true));
    stage.refused(&mut Traveller::default(), Refusal::LinkFirst).await;
}

#[tokio::test]
async fn the_second_factor_is_asked_for_all_the_same() {
    let stage = Stage::new(Google).await;
    let maya = stage.admin().await;
    let now: TwoFactor = stage.site.call(&maya, "/fn/app/auth/two_factor/load_two_factor", "").await.json();
    let key = now.setup.expect("it is off").secret;
    let on = format!("password={PASSWORD}&code={}", stage.site.world.app_code(&key));
    assert_eq!(stage.site.call(&maya, "/fn/app/auth/two_factor/turn_on_two_factor", &on).await.status, StatusCode::OK);
    stage.site.world.clock.advance(TimeDelta::seconds(60));

    stage.person("107", claims(ADMIN, true));
    let mut phone = Traveller::default();
    let half = stage.sign_in(&mut phone).await;
    assert_eq!(half.header("location"), "/sign-in/code?next=%2Fcampaigns%3Fpage%3D2");
    assert!(!phone.is_in(), "half is not in");
    let code = format!("code={}&next=%2Fcampaigns%3Fpage%3D2", stage.site.world.app_code(&key));
    let done = phone.submit(&stage.site, "/sign-in/code", "/fn/app/auth/code/finish_sign_in", &code).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::FOUND, "/campaigns?page=2"));
    assert!(phone.is_in());
}

#[tokio::test]
async fn whom_the_company_keeps_out_is_kept_out_this_way_too() {
    let stage = Stage::new(Google).await;
    let maya = stage.admin().await;
    stage.person("107", claims(ADMIN, true));
    let mut phone = Traveller::default();
    stage.sign_in(&mut phone).await;
    let company = stage.site.company(&maya).await;

    stage.site.world.require_second_factor(company.company).await;
    stage.sign_in(&mut phone).await;
    assert_eq!(phone.visit(&stage.site, "/campaigns").await.header("location"), "/two-factor");

    let platform = stage.site.world.company("platform").await;
    let boss = stage.site.world.member(&platform, Role::SuperAdmin).await;
    clients::suspend(&stage.site.world.db, &boss, company.company, "unpaid").await.expect("suspended");
    let mut phone = Traveller::default();
    stage.sign_in(&mut phone).await;
    assert_eq!(phone.visit(&stage.site, "/campaigns").await.header("location"), "/suspended");
    let kept_out = stage.site.call(&phone.browser(), "/fn/app/account/load_account", "").await;
    assert_eq!(kept_out.status, StatusCode::UNAUTHORIZED);
    clients::reinstate(&stage.site.world.db, &boss, company.company).await.expect("reinstated");

    // A second administrator takes the first one out.
    let other = stage.site.world.member(&company, Role::CompanyAdmin).await;
    let user = company.actor.user_id().expect("a human");
    services::team::access::deactivate(&stage.site.world.db, &other, user).await.expect("deactivated");
    let mut phone = Traveller::default();
    stage.refused(&mut phone, Refusal::Homeless).await;
    assert!(!phone.is_in());
}

#[tokio::test]
async fn linking_needs_the_password_and_the_session_that_began_it() {
    let stage = Stage::new(LinkedIn).await;
    let browser = stage.admin().await;
    let mut maya = Traveller::of(&browser);
    let account = maya.visit(&stage.site, "/account").await.text();
    assert!(account.contains("You can also sign in with LinkedIn.") && account.contains("/account/identities"), "{account}");
    let wrong = stage.start_linking(&mut maya, "wrong-horse-7").await;
    let back = wrong.header("location").trim_start_matches("http://belfry.test").to_owned();
    assert!(maya.visit(&stage.site, &back).await.text().contains("This is not your password."));
    assert!(!maya.0.contains_key("trip"));

    // The address there is nobody's business.
    stage.person("li-1", claims("private@mail.example", false));
    let done = stage.link(&mut maya).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/account/identities"), "{}", done.text());
    let page = maya.visit(&stage.site, "/account/identities").await.text();
    assert!(
        page.contains("private@mail.example") && page.contains("Unlink LinkedIn") && !page.contains("Link LinkedIn"),
        "{page}"
    );
    assert!(maya.visit(&stage.site, "/account").await.text().contains("You also sign in with LinkedIn."));
    let mut phone = Traveller::default();
    stage.sign_in(&mut phone).await;
    assert_eq!(phone.who(&stage.site).await["me"]["email"], ADMIN);

    let gone = maya.submit(&stage.site, "/account/identities", UNLINK, "provider=linkedin").await;
    assert_eq!(gone.header("location"), "/account/identities");
    assert_eq!(stage.recorded(&browser, EventKind::IdentityUnlinked).await, ["LinkedIn unlinked from 203.0.113.7"]);
    assert_eq!(stage.sign_in(&mut Traveller::default()).await.header("location"), "/register/with", "nobody's any more");

    // Signed out at the provider's: whoever sits there then links nothing.
    let mut left = maya.clone();
    stage.start_linking(&mut left, PASSWORD).await;
    let lead = left.visit(&stage.site, "/sign-in/link/linkedin").await.text();
    let url = lead.split("<a href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a link").replace("&amp;", "&");
    let home = stage.issuer.agree(&url);
    left.0.remove("sid");
    let refused = left.visit(&stage.site, &home).await;
    stage.is_refused(&mut left, &refused, Refusal::SignedOut).await;
}

#[tokio::test]
async fn one_identity_is_one_account_and_one_account_one_of_each() {
    let stage = Stage::new(Google).await;
    let mut maya = Traveller::of(&stage.admin().await);
    stage.person("107", json!({}));
    assert_eq!(stage.link(&mut maya).await.header("location"), "/account/identities");
    let again = stage.link(&mut maya).await;
    assert_eq!(again.header("location"), "/account/identities", "the same once more is fine");
    stage.person("108", json!({}));
    let another = stage.link(&mut maya).await;
    stage.is_refused(&mut maya, &another, Refusal::Another).await;
    let mut ines = Traveller::of(&stage.site.newcomer("coast").await);
    stage.person("107", json!({}));
    let taken = stage.link(&mut ines).await;
    stage.is_refused(&mut ines, &taken, Refusal::Taken).await;
}

#[tokio::test]
async fn the_only_way_in_is_not_taken_away() {
    let stage = Stage::new(Google).await;
    stage.person("107", claims("ana@lighthouse.example", true));
    let mut ana = Traveller::default();
    stage.sign_in(&mut ana).await;
    stage.register(&mut ana, "ana@lighthouse.example").await;
    let refused = stage.site.call(&ana.browser(), UNLINK, "provider=google").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    assert!(refused.text().contains("the only way into your account"), "{}", refused.text());
    let guess = stage.site.call(&ana.browser(), "/fn/app/account/password/change_password", "old=&new=better-horse-8").await;
    assert!(guess.text().contains("no password yet"), "an empty one is none: {}", guess.text());

    stage.site.submit(&Browser::default(), "/forgot", "/fn/app/auth/forgot/ask_reset", "email=ana%40lighthouse.example").await;
    stage.site.world.send_resets().await;
    let (_, token) = stage.site.world.mailed("/reset").await.expect("a link");
    let form = format!("token={token}&password={PASSWORD}");
    stage.site.call(&Browser::default(), "/fn/app/auth/forgot/reset_password", &form).await;
    let mut ana = Traveller::default();
    stage.sign_in(&mut ana).await;
    assert_eq!(stage.site.call(&ana.browser(), UNLINK, "provider=google").await.status, StatusCode::OK);
    let twice = stage.site.call(&ana.browser(), UNLINK, "provider=google").await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_trip_is_one_browsers_and_one_time() {
    let stage = Stage::new(Google).await;
    stage.admin().await;
    stage.person("107", claims(ADMIN, true));

    let mut phone = Traveller::default();
    let home = stage.issuer.agree(&stage.away(&mut phone).await);
    let mut thief = Traveller::default();
    let stolen = thief.visit(&stage.site, &home).await;
    stage.is_refused(&mut thief, &stolen, Refusal::Lost).await;
    let mut other = Traveller::default();
    stage.away(&mut other).await;
    let mixed = other.visit(&stage.site, &home).await;
    stage.is_refused(&mut other, &mixed, Refusal::Lost).await;
    let (before, _) = home.split_once("&state=").expect("a state");
    let mut forged = phone.clone();
    let without = forged.visit(&stage.site, before).await;
    stage.is_refused(&mut forged, &without, Refusal::Lost).await;

    let kept = phone.clone();
    assert_eq!(phone.visit(&stage.site, &home).await.header("location"), "/campaigns?page=2");
    let mut replayed = kept;
    let again = replayed.visit(&stage.site, &home).await;
    stage.is_refused(&mut replayed, &again, Refusal::Lost).await;
    assert!(!replayed.is_in());

    let mut late = Traveller::default();
    let home = stage.issuer.agree(&stage.away(&mut late).await);
    stage.site.world.clock.advance(TimeDelta::minutes(11));
    let answer = late.visit(&stage.site, &home).await;
    stage.is_refused(&mut late, &answer, Refusal::Lost).await;
}

#[tokio::test]
async fn a_trip_to_one_provider_does_not_come_back_from_the_other() {
    let (google, linkedin) = (Issuer::new(Google).await, Issuer::new(LinkedIn).await);
    let site = Site::configured(Patience::default(), |config| {
        google.configure(config);
        linkedin.configure(config);
    })
    .await;
    let mut phone = Traveller::default();
    let away = phone.visit(&site, "/sign-in/with/google").await;
    let home = google.agree(away.header("location")).replace("/from/google", "/from/linkedin");
    let answer = phone.visit(&site, &home).await;
    assert_eq!(answer.header("location"), "/sign-in/refused?why=lost&with=linkedin");
}

#[tokio::test]
async fn nobody_is_signed_in_by_what_a_provider_did_not_say() {
    let stage = Stage::new(Google).await;
    stage.admin().await;
    for (fault, why) in [
        (Fault::Broken, Refusal::Unanswered),
        (Fault::NoToken, Refusal::Untrusted),
        (Fault::OtherIssuer, Refusal::Untrusted),
        (Fault::OtherAudience, Refusal::Untrusted),
        (Fault::OtherNonce, Refusal::Untrusted),
        (Fault::NoNonce, Refusal::Untrusted),
        (Fault::Expired, Refusal::Untrusted),
        (Fault::FromTheFuture, Refusal::Untrusted),
        (Fault::OtherKey, Refusal::Untrusted),
        (Fault::Unsigned, Refusal::Untrusted),
        (Fault::Symmetric, Refusal::Untrusted),
        (Fault::Changed, Refusal::Untrusted),
        (Fault::NoSubject, Refusal::Untrusted),
    ] {
        stage.person("107", claims(ADMIN, true));
        stage.issuer.plan().fault = Some(fault);
        let mut phone = Traveller::default();
        let answer = stage.sign_in(&mut phone).await;
        let page = format!("/sign-in/refused?why={why}&with=google");
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, page.as_str()), "{fault:?}");
        assert!(!phone.is_in() && !phone.0.contains_key("newcomer") && !phone.0.contains_key("trip"), "{fault:?}: {:?}", phone.0);
    }
    stage.issuer.plan().fault = None;
    assert_eq!(
        stage.sign_in(&mut Traveller::default()).await.header("location"),
        "/campaigns?page=2",
        "and the same without lies"
    );
}

#[tokio::test]
async fn who_is_not_let_go_or_not_awaited_reads_why() {
    let stage = Stage::new(LinkedIn).await;
    for (error, why) in [
        ("access_denied", Refusal::Denied),
        ("user_cancelled_login", Refusal::Denied),
        ("temporarily_unavailable", Refusal::Unanswered),
    ] {
        let mut phone = Traveller::default();
        let home = stage.issuer.deny(&stage.away(&mut phone).await, error);
        let answer = phone.visit(&stage.site, &home).await;
        stage.is_refused(&mut phone, &answer, why).await;
    }
    // A code that the provider does not know.
    let mut phone = Traveller::default();
    let home = stage.issuer.agree(&stage.away(&mut phone).await).replace("code=code-", "code=made-up-");
    let answer = phone.visit(&stage.site, &home).await;
    stage.is_refused(&mut phone, &answer, Refusal::Untrusted).await;
    // Somebody else answers in its place.
    stage.issuer.plan().fault = Some(Fault::Impostor);
    let answer = phone.visit(&stage.site, "/sign-in/with/linkedin").await;
    stage.is_refused(&mut phone, &answer, Refusal::Untrusted).await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_not_waited_for() {
    let stage = Stage::new(Google).await;
    stage.issuer.plan().fault = Some(Fault::Silent);
    stage.refused(&mut Traveller::default(), Refusal::Unanswered).await;
    let Stage { site, issuer } = stage;
    drop(issuer);
    let answer = Traveller::default().visit(&site, "/sign-in/with/google").await;
    assert_eq!(answer.header("location"), "/sign-in/refused?why=unanswered&with=google");
}

#[tokio::test]
async fn what_is_not_configured_is_neither_shown_nor_reached() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let page = site.visit(&Browser::default(), "/sign-in").await.text();
    assert!(!page.contains("Continue with") && !page.contains("/sign-in/with/"), "{page}");
    assert!(!site.visit(&maya, "/account").await.text().contains("/account/identities"));
    for path in ["/sign-in/with/google", "/sign-in/from/google?code=a&state=b", "/sign-in/link/google"] {
        let answer = site.visit(&maya, path).await;
        assert_eq!(answer.header("location"), "/sign-in/refused?why=off&with=google", "{path}");
    }
    let link = site.call(&maya, LINK, &format!("provider=google&password={PASSWORD}")).await;
    assert_eq!(link.status, StatusCode::CONFLICT);
    assert_eq!(site.visit(&maya, "/sign-in/with/myspace").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_way_on_never_leaves_the_site() {
    let stage = Stage::new(Google).await;
    stage.admin().await;
    stage.person("107", claims(ADMIN, true));
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", ""] {
        let mut phone = Traveller::default();
        let away = phone.visit(&stage.site, &format!("/sign-in/with/google?next={next}")).await;
        let home = stage.issuer.agree(away.header("location"));
        assert_eq!(phone.visit(&stage.site, &home).await.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn trips_are_counted_like_wrong_passwords() {
    let stage = Stage::new(Google).await;
    stage.admin().await;
    stage.person("107", claims(ADMIN, true));
    for n in 0..49 {
        stage.away(&mut Traveller::default()).await;
        if n % 10 == 0 {
            // One that succeeds takes its own back, and no other.
            assert_eq!(stage.sign_in(&mut Traveller::default()).await.header("location"), "/campaigns?page=2");
        }
    }
    stage.away(&mut Traveller::default()).await;
    let mut phone = Traveller::default();
    let answer = phone.visit(&stage.site, "/sign-in/with/google").await;
    stage.is_refused(&mut phone, &answer, Refusal::TooMany).await;
    let password = format!("email=admin%40harbor.example&password={PASSWORD}");
    let locked = stage.site.call(&Browser::default(), "/fn/app/auth/sign_in/sign_in", &password).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "it is one count");
}
