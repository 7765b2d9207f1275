//! What surrounds every page: headers, files, health, and the page for what is nowhere.

use crate::support::{Browser, PASSWORD, Site};
use axum::body::Body;
use http::{Method, StatusCode};
use server::Patience;

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let site = Site::new().await;
    for path in ["/", "/healthz", "/nowhere", "/pkg/nothing.js", "/live", "/dev/mail"] {
        let answer = site.get(&Browser::default(), path).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_page_allows_its_own_scripts_and_no_other_inline_ones() {
    let site = Site::new().await;
    let page = site.get(&Browser::default(), "/nowhere").await;
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(page.text().contains(&format!("nonce=\"{nonce}\"")), "the page carries the nonce of its header");
    assert!(!policy.contains("script-src 'self' 'unsafe-inline'"));
    let again = site.get(&Browser::default(), "/nowhere").await;
    assert_ne!(again.header("content-security-policy"), policy, "a nonce is used once");
}

#[tokio::test]
async fn plain_pages_bring_no_wasm_and_others_lead_to_them_by_a_request() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let code = site.visit(&maya, "/sign-in/code").await;
    assert_eq!((code.status, code.header("location")), (StatusCode::FOUND, "/sign-in"), "nobody is asked for a code alone");
    for path in ["/forgot", "/reset?token=x", "/new-address?token=x", "/invite?token=x", "/two-factor"] {
        let page = site.visit(&maya, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text().contains("<form") || path.starts_with("/invite"), "{path}");
        assert!(!page.text().contains("app.js") && !page.text().contains("app.wasm"), "{path}");
    }
    let sign_in = site.visit(&Browser::default(), "/sign-in").await.text();
    assert!(sign_in.contains("<form") && !sign_in.contains("app.js"), "{sign_in}");
    let register = site.visit(&Browser::default(), "/register").await.text();
    assert!(register.contains("app.js"));
    for (page, to) in [(register, "/sign-in"), (site.visit(&maya, "/settings").await.text(), "/settings/defaults")] {
        let (_, link) = page.split_once(&format!("href=\"{to}\"")).expect(to);
        let tag = page[..page.len() - link.len()].rsplit('<').next().unwrap_or_default().to_owned()
            + link.split('>').next().unwrap_or_default();
        assert!(tag.contains("rel=\"external\""), "{tag}");
    }
}

#[tokio::test]
async fn what_is_nowhere_is_a_page_with_404() {
    let site = Site::new().await;
    let answer = site.get(&Browser::default(), "/no/such/page").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert_eq!(site.get(&Browser::default(), "/pkg/nothing.js").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_about_nothing_is_not_found() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    site.call(&maya, "/fn/app/auth/welcome/choose_company_type", "company_type=generic").await;
    for path in [
        "/campaigns/nonsense",
        "/campaigns/cmp_00000000000000000000000000000007",
        "/calls/cal_00000000000000000000000000000007",
        "/agents/agt_00000000000000000000000000000007",
        "/imports/imp_00000000000000000000000000000007",
    ] {
        let page = site.visit(&maya, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text().contains("Nothing here"), "{path}");
    }
}

#[tokio::test]
async fn without_its_database_the_process_lives_but_is_not_ready() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    assert_eq!(site.get(&maya, "/readyz").await.status, StatusCode::OK);
    site.world.db.close().await;
    assert_eq!(site.get(&maya, "/healthz").await.status, StatusCode::OK);
    assert_eq!(site.get(&maya, "/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = site.get(&maya, "/live").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(answer.json(), model::Error::Unavailable { .. }));
    let page = site.visit(&maya, "/campaigns").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text().contains("The database does not answer right now."), "{}", page.text());
}

#[tokio::test]
async fn a_page_of_the_signed_in_area_leads_a_stranger_to_sign_in() {
    let site = Site::new().await;
    for path in ["/", "/campaigns", "/settings", "/calls/cal_00000000000000000000000000000007"] {
        let answer = site.visit(&Browser::default(), path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert!(answer.header("location").starts_with("/sign-in"), "{path}: {}", answer.header("location"));
    }
}

#[tokio::test]
async fn every_page_of_the_signed_in_area_is_drawn_whole() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let typed = site.call(&maya, "/fn/app/auth/welcome/choose_company_type", "company_type=generic").await;
    assert_eq!(typed.status, StatusCode::OK);
    for path in [
        "/",
        "/campaigns",
        "/contacts",
        "/imports",
        "/imports/new",
        "/imports/new?kind=suppressions",
        "/agents",
        "/calls",
        "/suppressions",
        "/billing",
        "/events",
        "/settings",
        "/settings/compliance",
    ] {
        let page = site.visit(&maya, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text().contains("<h1"), "{path} has no heading");
        assert!(!page.text().contains("Something went wrong"), "{path}");
    }
}

/// The answers that a page brings along for the browser, as they are written in it.
fn brought(page: &str) -> Vec<&str> {
    let parts = page.split("__RESOLVED_RESOURCES[").skip(1);
    parts
        .filter_map(|part| part.split_once("] = ").map(|(_, rest)| rest.split_once(";</script>").map_or(rest, |(text, _)| text)))
        .collect()
}

#[tokio::test]
async fn every_question_of_a_page_is_asked_once() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let campaign = site.world.launched(&site.company(&maya).await, 3, |_| {}).await;
    for tab in ["overview", "enrollments", "calls", "rehearsal", "settings", "events"] {
        let page = site.visit(&maya, &format!("/campaigns/{campaign}?tab={tab}")).await;
        let page = page.text();
        let answers = brought(&page);
        assert!(answers.len() >= 2, "{tab} brings {} answers along", answers.len());
        let different: std::collections::HashSet<_> = answers.iter().collect();
        assert_eq!(different.len(), answers.len(), "{tab} asks something twice: {answers:#?}");
    }
}

#[tokio::test]
async fn the_record_goes_home_as_a_file_with_those_who_may_read_it_only() {
    let site = Site::new().await;
    let (acme, other) = (site.newcomer("acme").await, site.newcomer("other").await);
    let file = site.get(&acme, "/events/export?kind=company.registered&who=&from=&to=").await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"), "{}", file.text());
    assert!(file.header("content-disposition").starts_with("attachment"), "{}", file.header("content-disposition"));
    assert_eq!(file.text().lines().count(), 2, "{}", file.text());
    assert!(file.text().contains("acme admin registered acme"), "{}", file.text());
    assert!(!site.get(&other, "/events/export").await.text().contains("acme"));
    assert_eq!(site.get(&site.viewer(&acme).await, "/events/export").await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.get(&Browser::default(), "/events/export").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn in_production_cookies_are_bound_to_this_host_and_to_tls() {
    let site = Site::configured(Patience::default(), |config| config.dev = false).await;
    let nobody = Browser::default();
    assert_eq!(site.get(&nobody, "/dev/mail").await.status, StatusCode::NOT_FOUND, "nobody reads mails there");
    let form = format!("form[name]=Maya&form[email]=admin%40harbor.example&form[password]={PASSWORD}&form[company_name]=Harbor");
    let right = site.call(&nobody, "/fn/app/auth/register/open_account", &form).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text());
    let wrong = "email=admin%40harbor.example&password=wrong-horse-7";
    let wrong = site.submit(&nobody, "/sign-in", "/fn/app/auth/sign_in/sign_in", wrong).await;
    for (answer, name) in [(&wrong, "__Host-typed="), (&right, "__Host-sid=")] {
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with(name), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; Path=/;", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let pages = [site.get(&nobody, "/").await, site.get(&nobody, "/nowhere").await, site.get(&nobody, "/healthz").await];
    for answer in [&wrong, &right].into_iter().chain(&pages) {
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
    }
    let mut maya = Browser::default();
    maya.keep(&right);
    let account = "/fn/app/account/load_account";
    assert_eq!(site.call(&maya, account, "").await.status, StatusCode::OK);
    maya.cookie = maya.cookie.map(|cookie| cookie.replace("__Host-", ""));
    assert_eq!(site.call(&maya, account, "").await.status, StatusCode::UNAUTHORIZED, "the name of development is nobody's");
}

#[tokio::test]
async fn no_answer_is_for_another_origin() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    for path in ["/", "/live", "/events/export", "/api/v1/campaigns", "/api/v1/openapi.json", "/healthz", "/pkg/app.js"] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = maya
                .request(method, path)
                .header("origin", "https://evil.example")
                .header("access-control-request-method", "POST")
                .body(Body::empty());
            let answer = site.send(request.expect("a request")).await;
            let allows = answer.headers().keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!allows, "{path}: {:?}", answer.headers());
        }
    }
}
