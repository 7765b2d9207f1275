//! What an agent knows, all the way to each provider that holds conversations; and the page where it is told.

use crate::campaigns::Day;
use crate::support::{Answer, Browser, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};
use model::agents::NewDocument;
use model::gateways::{GatewayForm, Keeping, ProviderKind};
use model::id::AgentId;
use services::testing::agent_form;
use services::{agents, gateways};

async fn handed_over(kind: ProviderKind) {
    let day = Day::new().await;
    let mut tx = day.world.tx(&day.acme).await;
    let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
    let bread = NewDocument { name: "Bread".into(), text: "Bread costs three. خبز".into(), ..NewDocument::default() };
    let bread = agents::knowledge::add_document(&mut tx, agent, &bread).await.expect("added");
    agents::knowledge::add_file(&mut tx, agent, "cakes.csv", b"cake,5\n").await.expect("added");
    agents::publish(&mut tx, agent).await.expect("published");
    let form = GatewayForm { name: "Try".into(), kind, ..GatewayForm::default() };
    let gateway = gateways::create(&mut tx, &form).await.expect("connected");
    tx.commit().await.expect("commit");
    let there = async |version: i32| {
        day.until("the agent is there", async |day| {
            let mut tx = day.world.tx(&day.acme).await;
            let kept = agents::kept::of_agent(&mut tx, agent).await.expect("kept").pop()?;
            assert_ne!(kept.keeping, Keeping::Failed, "{kept:?}");
            (kept.keeping == Keeping::Ready && kept.version == version).then_some(())
        })
        .await;
    };
    there(1).await;
    let mut first = day.world.kept_documents(day.acme.company, gateway).await.expect("kept");
    // Both were added in one transaction.
    first.sort();
    assert_eq!(first.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Bread", "cakes.csv"]);
    let mut tx = day.world.tx(&day.acme).await;
    agents::knowledge::remove_document(&mut tx, bread).await.expect("removed");
    agents::publish(&mut tx, agent).await.expect("published");
    tx.commit().await.expect("commit");
    there(2).await;
    // What the new version does not know goes after it is there.
    let left = day
        .until("the old document is gone", async |day| {
            let left = day.world.kept_documents(day.acme.company, gateway).await.expect("kept");
            (left.len() == 1).then_some(left)
        })
        .await;
    assert_eq!(left[0], first[1], "what stays is not handed over again");
    agents::kept::compare(&day.world.db, &day.acme.actor, agent).await.expect("compared");
    let mut tx = day.world.tx(&day.acme).await;
    let kept = agents::kept::of_agent(&mut tx, agent).await.expect("kept").remove(0);
    assert!(!kept.drifted, "what it knows is part of what is compared: {kept:?}");
    drop(tx);
    day.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retell_is_told_what_an_agent_knows() {
    handed_over(ProviderKind::Retell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn vapi_is_told_what_an_agent_knows() {
    handed_over(ProviderKind::Vapi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn elevenlabs_is_told_what_an_agent_knows() {
    handed_over(ProviderKind::ElevenLabs).await;
}

/// Posts a file as the form of the page does.
async fn upload(site: &Site, who: &Browser, agent: AgentId, name: &str, text: &str) -> Answer {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"agent\"\r\n\r\n{agent}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--b--\r\n"
    );
    let request = who
        .request(Method::POST, "/agents/documents")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    Answer::read(site.send(request.body(Body::from(body)).expect("a request")).await).await
}

#[tokio::test]
async fn documents_are_added_and_removed_by_plain_forms() {
    let site = Site::new().await;
    let (maya, other) = (site.newcomer("harbor").await, site.newcomer("other").await);
    let someone = site.company(&maya).await;
    let mut tx = site.world.tx(&someone).await;
    let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
    tx.commit().await.expect("commit");
    let page = format!("/knowledge?agent={agent}");
    let answer = upload(&site, &maya, agent, "prices.md", "Bread: 3").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, page.as_str()), "{}", answer.text());
    let form = format!("agent={agent}&name=Cakes&text=Five&address=");
    site.submit(&maya, &page, "/fn/app/agents/knowledge/add_document", &form).await;
    let seen = site.visit(&maya, &page).await.text();
    for part in ["prices.md", "Cakes", "Not published yet", "Remove Cakes"] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    assert!(!seen.contains("app.js") && !seen.contains("app.wasm"), "a plain page");
    // What is refused is told beside the field, on the same page.
    let answer = upload(&site, &maya, agent, "prices.pdf", "%PDF").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let told = site.visit(&maya, answer.header("location")).await.text();
    assert!(told.contains("Save a PDF or Word file as text first."), "{told}");
    // Another company finds neither page nor agent.
    let answer = upload(&site, &other, agent, "prices.md", "Bread: 4").await;
    let told = site.visit(&other, answer.header("location")).await.text();
    assert!(!told.contains("prices.md") && told.contains("does not exist"), "{told}");
    assert_eq!(upload(&site, &Browser { cookie: None }, agent, "prices.md", "Bread: 4").await.status, StatusCode::UNAUTHORIZED);
}
