//! Plain pages about a company, by forms alone: what new things start from, letters, features, and companies of companies.

use crate::support::{Answer, Browser, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};
use model::accounts::Role;
use model::features::Feature;
use model::id::CompanyId;
use model::mails::LetterKind;
use services::clients::resale;
use services::mails::wordings;
use services::{campaigns, companies, features};

/// A super admin of the platform's own company.
async fn root(site: &Site) -> Browser {
    let home = site.world.company("platform").await;
    let root = site.world.member(&home, Role::SuperAdmin).await;
    let root = Browser { cookie: Some(format!("sid={}", site.world.session(&root).await)) };
    site.choose_type(&root).await;
    root
}

/// The same with characters that no page shows as they are.
fn has(answer: &Answer, part: &str) -> bool {
    answer.text().replace("&#x27;", "'").replace("&amp;", "&").contains(part)
}

#[tokio::test]
async fn every_plain_page_says_what_it_is_or_why_not() {
    let site = Site::new().await;
    let (acme, root) = (site.newcomer("acme").await, root(&site).await);
    let company = site.company(&acme).await.company;
    let boss = site.company(&root).await;
    features::set(&site.world.db, &boss.actor, company, Feature::ClientCompanies, Some(true)).await.expect("turned on");
    let pages = [
        (&acme, "/settings/defaults".to_owned(), "Days to keep recordings"),
        (&acme, "/settings/company".to_owned(), "No holidays yet"),
        (&acme, "/settings/privacy".to_owned(), "HIPAA mode"),
        (&acme, "/consents".to_owned(), "Record a consent"),
        (&acme, "/evidence?phone=%2B12025550143".to_owned(), "Download PDF"),
        (&acme, "/account/notices".to_owned(), "A campaign paused itself"),
        (&acme, "/clients".to_owned(), "Open a company"),
        (&acme, "/clients/brand".to_owned(), "White text must be readable on it."),
        (&root, "/admin/letters".to_owned(), "Choose a new password"),
        (&root, "/admin/letter?kind=reset".to_owned(), "{{minutes}}"),
        (&root, format!("/admin/features?company={company}"), "Turn off: REST API"),
    ];
    let viewer = site.viewer(&acme).await;
    for (who, path, says) in pages {
        let answer = site.visit(who, &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(has(&answer, says), "{path} does not say {says}: {}", answer.text());
        assert!(!answer.text().contains(".wasm"), "{path} is plain: it asks for no script");
        if !path.starts_with("/account") {
            let answer = site.visit(&viewer, &path).await;
            assert!(has(&answer, "Your role may not do this.") && !has(&answer, says), "{path}: {}", answer.text());
        }
    }
    for path in ["/admin/letter?kind=none", "/admin/features?company=none"] {
        assert!(has(&site.visit(&root, path).await, "does not exist"), "{path}");
    }
}

#[tokio::test]
async fn defaults_and_retention_are_saved_by_plain_forms_and_a_wrong_number_says_so() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let page = "/settings/defaults";
    let wrong = "attempts_max=many&attempts_per_day_max=2&call_minutes_max=5&language=de-DE";
    let answer = site.followed(&acme, page, "settings/defaults/save_defaults", wrong).await;
    assert!(has(&answer, "Choose 1 to 20 attempts."), "{}", answer.text());
    let good = "attempts_max=4&attempts_per_day_max=2&call_minutes_max=7&language=de-DE";
    site.followed(&acme, page, "settings/defaults/save_defaults", good).await;
    site.followed(&acme, page, "settings/defaults/save_retention", "recordings_days=30&transcripts_days=").await;
    let someone = site.company(&acme).await;
    let mut tx = site.world.tx(&someone).await;
    let blank = campaigns::blank(&mut tx).await.expect("blank");
    assert_eq!((blank.retries.attempts_max, blank.call_minutes_max, blank.record), (4, 7, false), "an empty box is off");
    let kept = companies::load_retention(&mut tx).await.expect("retention");
    assert_eq!((kept.recordings_days, kept.transcripts_days), (Some(30), None));
    drop(tx);
    let agent = site.call(&acme, "/fn/app/agents/templates/create_agent", "").await;
    let shown = site.call(&acme, "/fn/app/agents/detail/load_agent", &format!("id={}", agent.json::<String>())).await;
    assert!(shown.text().contains("de-DE"), "{}", shown.text());
}

#[tokio::test]
async fn a_letter_is_reworded_looked_at_used_and_given_back() {
    let site = Site::new().await;
    let root = root(&site).await;
    let page = "/admin/letter?kind=reset";
    let wording = |text: &str| {
        format!("kind=reset&wording[subject]=Anders&wording[text]={text}&wording[html]=%3Cb%3E%7B%7Blink%7D%7D%3C%2Fb%3E")
    };
    let answer = site.followed(&root, page, "admin/letters/draft_letter", &wording("%7B%7Bfoo%7D%7D")).await;
    assert!(has(&answer, "This letter knows no {{foo}}.") && !has(&answer, "Use this letter"), "{}", answer.text());
    let answer = site.followed(&root, page, "admin/letters/use_letter", "kind=reset").await;
    assert!(has(&answer, "knows no {{foo}}"), "refused as long as something is wrong");
    let answer = site.followed(&root, page, "admin/letters/draft_letter", &wording("Los%3A+%7B%7Blink%7D%7D")).await;
    assert!(has(&answer, "Los: https://belfry.example/") && has(&answer, "Use this letter"), "{}", answer.text());
    site.followed(&root, page, "admin/letters/use_letter", "kind=reset").await;
    let boss = site.company(&root).await.actor;
    let now = wordings::load(&site.world.db, &boss, LetterKind::Reset).await.expect("letter");
    assert!(now.row.changed.is_some() && now.wording.subject == "Anders", "{now:?}");
    site.followed(&root, page, "admin/letters/restore_letter", "kind=reset").await;
    let now = wordings::load(&site.world.db, &boss, LetterKind::Reset).await.expect("letter");
    assert_eq!((now.row.changed, now.wording.subject.as_str()), (None, "Choose a new password"));
}

#[tokio::test]
async fn letters_are_chosen_by_boxes_and_the_amount_is_the_companys() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    site.followed(&acme, "/account/notices", "account/notices/choose_notices", "wanted[2]=campaign_paused").await;
    let answer = site.followed(&acme, "/account/notices", "account/notices/set_credits_low", "credits_low=12.5").await;
    assert!(has(&answer, "value=\"12.500\""), "{}", answer.text());
    let told = site.call(&acme, "/fn/app/account/notices/load_notices", "").await.text();
    assert!(told.contains(r#"["campaign_paused",true]"#) && told.contains(r#"["import_done",false]"#), "{told}");
    let answer = site.followed(&acme, "/account/notices", "account/notices/set_credits_low", "credits_low=x").await;
    assert!(has(&answer, "Enter a number like 5 or 12.5."), "{}", answer.text());
}

// ── companies of companies ──────────────────────────────────────────────────

/// A multipart form with one file.
async fn upload(site: &Site, who: &Browser, bytes: &[u8]) -> Answer {
    let head = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n".as_slice();
    let body = [head, bytes, b"\r\n--x--\r\n"].concat();
    let request = who
        .request(Method::POST, "/clients/logo")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header("sec-fetch-site", "same-origin");
    Answer::read(site.send(request.body(Body::from(body)).expect("a request")).await).await
}

/// One pixel, as a lossless WebP.
const PIXEL: &[u8] = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\0\0\0\0\0";

#[tokio::test]
async fn a_reseller_opens_a_client_gives_it_credits_shows_itself_and_acts_inside() {
    let site = Site::new().await;
    let (mut agency, other) = (site.newcomer("agency").await, site.newcomer("other").await);
    let boss = site.company(&root(&site).await).await.actor;
    let maya = site.company(&agency).await;
    assert!(has(&site.visit(&agency, "/clients").await, "Client companies is off for this company."));
    features::set(&site.world.db, &boss, maya.company, Feature::ClientCompanies, Some(true)).await.expect("turned on");
    let form = "name=Clinic&email=nora%40clinic.example&concurrency_max=5";
    let answer = site.followed(&agency, "/clients", "clients/open_client", form).await;
    assert!(has(&answer, "Clinic") && has(&answer, "0.000 credits"), "{}", answer.text());
    let client: CompanyId = resale::list(&site.world.db, &maya.actor).await.expect("list").clients[0].id;
    let gift = resale::list(&site.world.db, &maya.actor).await.expect("list").gift;
    let give = format!("company={client}&id={gift}&amount=2.5&note=");
    assert!(has(&site.followed(&agency, "/clients", "clients/give_credits", &give).await, "17.500 credits to give"));
    let much = format!("company={client}&id={gift}&amount=999&note=");
    assert!(has(&site.followed(&agency, "/clients", "clients/give_credits", &much).await, "999.000 credits are needed"));

    assert_eq!(site.get(&agency, "/brand/logo").await.status, StatusCode::NOT_FOUND);
    let refused = upload(&site, &agency, b"<svg xmlns='http://www.w3.org/2000/svg'/>").await;
    let back = refused.header("location").to_owned();
    assert!(has(&site.visit(&agency, &back).await, "Choose a picture: PNG, JPEG or WebP."), "{back}");
    assert_eq!(upload(&site, &agency, PIXEL).await.header("location"), "/clients/brand");
    site.followed(&agency, "/clients/brand", "clients/brand/choose_color", "color=%231f5f8b").await;

    let entered = site.submit(&agency, "/clients", "/fn/app/clients/enter_own_client", &format!("company={client}")).await;
    agency.keep(&entered);
    site.choose_type(&agency).await;
    let page = site.visit(&agency, "/account").await;
    assert!(has(&page, "You act inside Clinic as company admin.") && !has(&page, "Your clients"), "{}", page.text());
    assert!(has(&page, "/brand/logo?v=1") && has(&page, "background:#1f5f8b"), "{}", page.text());
    let logo = site.get(&agency, "/brand/logo?v=1").await;
    assert_eq!((logo.status, logo.header("content-type"), &logo.body[..]), (StatusCode::OK, "image/webp", PIXEL));
    assert_eq!((logo.header("x-content-type-options"), logo.header("cache-control")), ("nosniff", "private, max-age=86400"));
    let left = site.submit(&agency, "/", "/fn/app/session/leave_client", "").await;
    assert!(left.header("location").ends_with("/clients"), "{}", left.header("location"));
    agency.keep(&left);
    assert!(has(&site.visit(&agency, "/account").await, "Your clients"));

    assert_eq!(site.get(&other, "/brand/logo").await.status, StatusCode::NOT_FOUND);
    let strange = site.submit(&other, "/clients", "/fn/app/clients/enter_own_client", &format!("company={client}")).await;
    assert!(!strange.header("set-cookie").starts_with("sid="), "nobody else gets in");
}

#[tokio::test]
async fn without_the_rest_api_programs_are_refused_and_say_why() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let someone = site.company(&acme).await;
    let key = site.key(&someone.actor, model::api_keys::Scope::ALL).await;
    let boss = site.company(&root(&site).await).await.actor;
    let ask = async || site.api(Some(&key), Method::GET, "/api/v1/campaigns", None).await;
    assert_eq!(ask().await.status, StatusCode::OK);
    features::set(&site.world.db, &boss, someone.company, Feature::RestApi, Some(false)).await.expect("turned off");
    let refused = ask().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json::<serde_json::Value>()["error"]["message"], "REST API is off for this company.");
    features::set(&site.world.db, &boss, someone.company, Feature::RestApi, None).await.expect("as for all");
    assert_eq!(ask().await.status, StatusCode::OK);
}

#[tokio::test]
async fn holidays_pace_figures_and_privacy_are_saved_by_plain_forms() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let page = "/settings/company";
    let wrong = "on=2026-12-24&name=Eve&closed=from&time=late";
    let answer = site.followed(&acme, page, "settings/company/add_holiday", wrong).await;
    assert!(
        has(&answer, "Enter an hour of that day") && has(&answer, "value=\"Eve\""),
        "what was typed stands: {}",
        answer.text()
    );
    let good = "on=2026-12-24&name=Eve+%3Cb%3E&closed=from&time=13%3A00&yearly=true";
    let answer = site.followed(&acme, page, "settings/company/add_holiday", good).await;
    assert!(
        has(&answer, "2026-12-24, every year") && has(&answer, "From 13:00") && !answer.text().contains("<b>"),
        "{}",
        answer.text()
    );
    let answer = site.followed(&acme, page, "settings/company/save_figures", "locale=hi-IN&currency=INR").await;
    assert!(has(&answer, "₹12,34,567.89"), "{}", answer.text());
    let answer = site.followed(&acme, page, "settings/company/save_pace", "calls_per_second=0").await;
    assert!(has(&answer, "Choose 1 to 1,000 calls a second"), "{}", answer.text());
    site.followed(&acme, page, "settings/company/save_pace", "calls_per_second=7").await;
    let answer = site.followed(&acme, page, "settings/company/remove_holiday", "on=2026-12-24&name=Eve+%3Cb%3E").await;
    assert!(has(&answer, "No holidays yet") && has(&answer, "value=\"7\""), "{}", answer.text());

    let page = "/settings/privacy";
    let answer = site.followed(&acme, page, "settings/privacy/save_privacy", "gdpr=true").await;
    assert!(has(&answer, "value=\"1095\""), "everything has an end: {}", answer.text());
    let answer = site.followed(&acme, page, "settings/privacy/save_people_days", "calls_days=&contacts_days=30").await;
    assert!(has(&answer, "GDPR mode keeps nothing for ever."), "{}", answer.text());
    site.followed(&acme, page, "settings/privacy/save_privacy", "").await;
    site.followed(&acme, page, "settings/privacy/save_people_days", "calls_days=&contacts_days=30").await;
    let someone = site.company(&acme).await;
    let mut tx = site.world.tx(&someone).await;
    let kept = companies::load_retention(&mut tx).await.expect("retention");
    assert_eq!((kept.calls_days, kept.contacts_days, kept.recordings_days), (None, Some(30), Some(90)));
}
