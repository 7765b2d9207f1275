//! The check before a launch, and what a launch leaves behind.

use super::*;

#[tokio::test]
async fn a_campaign_that_lacks_nothing_is_ready() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    let check = launch_check(&mut tx, id).await.expect("check");
    assert!(check.is_ready(), "{:?}", check.items);
    let titles: Vec<_> = check.items.iter().map(|i| i.title.as_str()).collect();
    assert_eq!(titles, ["Contacts", "Agent", "Calling hours", "Price", "Credits", "Gateway"]);
    assert_eq!((check.contacts, check.estimate, check.available), (3, Credits(3_600), Credits(20_000)));
    assert_eq!(check.reserve, Credits(5_000), "never less than one longest call");
    assert_eq!(check.first_call.map(|m| m.at), Some(tx.now()));
}

#[tokio::test]
async fn each_missing_thing_is_told_with_where_to_mend_it() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    let draft_agent = agents::create(&mut tx, &agent_form("Bo")).await.expect("agent");
    let past = tx.now() - TimeDelta::hours(1);
    let soon = tx.now() + TimeDelta::hours(2);
    let night = Hours::weekly(0, 6, Window { start_minute: 22 * 60, end_minute: 24 * 60 });
    let friday = Hours::weekly(4, 4, Window { start_minute: 600, end_minute: 660 });
    let bo = format!("/agents/{draft_agent}");
    let cases = [
        (CampaignForm { agent: None, ..form.clone() }, "Agent", "Choose the agent who calls.", "/agents"),
        (CampaignForm { agent: Some(draft_agent), ..form.clone() }, "Agent", "Bo is a draft. Publish it first.", bo.as_str()),
        (
            CampaignForm { hours: Some(night), ..form.clone() },
            "Calling hours",
            "No opening in the next two weeks in your contacts' zones. Calls are only placed inside the hours of the rule packs; see Compliance in the settings.",
            "/settings",
        ),
        (CampaignForm { ends_at: Some(past), ..form.clone() }, "Calling hours", "The end date is in the past.", ""),
        (
            CampaignForm { hours: Some(friday), ends_at: Some(soon), ..form.clone() },
            "Calling hours",
            "The campaign ends before its first opening.",
            "/settings",
        ),
        (
            CampaignForm { budget: Some(Credits(20_001)), ..form.clone() },
            "Credits",
            "20.0 are needed and 20.0 are available. Top up, or set a smaller budget.",
            "/billing",
        ),
    ];
    for (form, title, detail, fix) in cases {
        edit(&mut tx, id, &form).await.expect("edited");
        let fix = (!fix.is_empty()).then(|| fix.to_owned());
        assert_eq!(missing(&mut tx, id).await, (title.to_owned(), detail.to_owned(), fix));
        if title == "Credits" {
            let refusal = model::Error::InsufficientCredits { needed: 20_001, available: 20_000 };
            assert_eq!(told(act(&mut tx, id, Action::Launch).await), refusal);
        } else {
            assert_eq!(why(act(&mut tx, id, Action::Launch).await), detail, "the launch refuses with the same sentence");
        }
        assert_eq!(load(&mut tx, id).await.expect("load").status, Status::Draft);
        assert_eq!(wallet(&mut tx).await.reserved, Credits::ZERO);
        assert_eq!(people(&mut tx, id).await, []);
    }
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn the_longest_call_a_launch_must_afford_is_the_shorter_of_two_limits() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    for (minutes, reserve) in [(1, 3_600), (4, 4_000), (10, 10_000), (60, 10_000)] {
        edit(&mut tx, id, &CampaignForm { call_minutes_max: minutes, ..form.clone() }).await.expect("edited");
        let check = launch_check(&mut tx, id).await.expect("check");
        assert_eq!(check.reserve, Credits(reserve), "{minutes} minutes here, 10 in the company's settings");
    }
}

#[tokio::test]
async fn an_audience_of_nobody_cannot_be_launched() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    let nobody = [
        (None, "Choose who is called."),
        (
            Some(Audience::Segment { segment: "nobody".into() }),
            "Nobody in this audience may be called. Import contacts or choose another audience.",
        ),
        (
            Some(Audience::Import { import: tx.id::<ImportId>() }),
            "Nobody in this audience may be called. Import contacts or choose another audience.",
        ),
    ];
    for (audience, detail) in nobody {
        edit(&mut tx, id, &CampaignForm { audience, ..form.clone() }).await.expect("edited");
        let failing = failing(&mut tx, id).await;
        assert_eq!((failing[0].title.as_str(), failing[0].detail.as_str()), ("Contacts", detail));
        assert_eq!(failing[0].fix_href.as_deref(), Some("/imports/new"));
        assert_eq!(why(act(&mut tx, id, Action::Launch).await), detail);
    }
}

#[tokio::test]
async fn closed_hours_tell_when_the_first_phone_will_ring() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[]).await;
    // Saturday morning in New York; the company's hours are Monday to Friday from nine.
    w.clock.set("2026-11-28T15:00:00Z".parse().expect("a moment"));
    let mut tx = w.tx(&acme).await;
    let check = launch_check(&mut tx, id).await.expect("check");
    assert!(check.is_ready(), "closed now is no reason not to launch");
    assert_eq!(check.items[2].detail, "First opening Mon 30 Nov 09:00");
    assert_eq!(check.first_call.map(|m| m.at), Some("2026-11-30T14:00:00Z".parse().expect("a moment")));
}

#[tokio::test]
async fn an_agent_of_another_company_does_not_exist_here() {
    let w = World::new().await;
    let (_, _, theirs) = with_campaign(&w, &[]).await;
    let birch = w.company("birch").await;
    let mut tx = w.tx(&birch).await;
    let (id, _) = ready(&mut tx).await;
    edit(&mut tx, id, &theirs).await.expect("the form may say anything");
    assert_eq!(missing(&mut tx, id).await.1, "The agent does not exist any more.");
    assert_eq!(load(&mut tx, id).await.expect("load").agent_name, None);
}

#[tokio::test]
async fn the_estimate_learns_from_the_company_once_fifty_people_are_done() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    for (finished, spent, estimate) in [(49, 490_000, 3_600), (50, 150_000, 9_000), (50, 0, 3)] {
        sqlx::query("update campaign_stats set finished = $1, spent = $2")
            .bind(i64::from(finished))
            .bind(i64::from(spent))
            .execute(tx.conn())
            .await
            .expect("history");
        assert_eq!(launch_check(&mut tx, id).await.expect("check").estimate, Credits(estimate), "{finished} finished");
    }
}

#[tokio::test]
async fn a_launch_enrolls_those_who_may_be_called_and_sets_credits_aside() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (id, _) = ready(&mut tx).await;
    contact(&mut tx, "Suppressed", "+12125550104", "vip").await;
    suppressions::add(&mut tx, "+12125550104", "Asked us").await.expect("suppressed");
    let gone = contact(&mut tx, "Archived", "+12125550105", "vip").await;
    contacts::archive(&mut tx, gone).await.expect("archived");
    assert_eq!(audience_count(&mut tx, &Audience::Everyone).await.expect("count"), 3);

    assert_eq!(act(&mut tx, id, Action::Launch).await.expect("launched"), Status::Active);
    let queued = |name: &str| (name.to_owned(), EnrollmentStatus::Queued);
    let mut enrolled = people(&mut tx, id).await;
    enrolled.sort();
    assert_eq!(enrolled, [queued("Jonas"), queued("Maya"), queued("Priya")]);
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!((c.status, c.progress.contacts, c.progress.finished, c.reserved), (Status::Active, 3, 0, Credits(5_000)));
    assert_eq!(c.launched_at.map(|m| m.at), Some(tx.now()));
    assert_eq!((wallet(&mut tx).await.available, wallet(&mut tx).await.reserved), (Credits(15_000), Credits(5_000)));
    let mut recorded = kinds(&mut tx, id).await;
    recorded.sort();
    assert_eq!(recorded, [EventKind::CampaignCreated, EventKind::CampaignLaunched, EventKind::CreditsMoved]);
    tx.commit().await.expect("commit");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [id], "the dialer sees it at once");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_segment_is_an_audience_of_its_own() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (id, form) = ready(&mut tx).await;
    contact(&mut tx, "Omar", "+12125550110", "churned").await;
    let churned = Audience::Segment { segment: "churned".into() };
    assert_eq!(audience_count(&mut tx, &churned).await.expect("count"), 1);
    edit(&mut tx, id, &CampaignForm { audience: Some(churned), ..form }).await.expect("edited");
    act(&mut tx, id, Action::Launch).await.expect("launched");
    assert_eq!(people(&mut tx, id).await, [("Omar".to_owned(), EnrollmentStatus::Queued)]);
}

#[tokio::test]
async fn a_budget_is_what_is_set_aside() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (id, form) = ready(&mut tx).await;
    edit(&mut tx, id, &CampaignForm { budget: Some(Credits(20_000)), ..form }).await.expect("edited");
    act(&mut tx, id, Action::Launch).await.expect("the last thousandth may be set aside");
    assert_eq!((wallet(&mut tx).await.available, wallet(&mut tx).await.reserved), (Credits::ZERO, Credits(20_000)));
}

#[tokio::test]
async fn someone_whose_address_is_not_confirmed_may_look_and_may_not_launch() {
    let w = World::new().await;
    let (mut acme, id, form) = with_campaign(&w, &[]).await;
    acme.actor.user.as_mut().expect("a person").confirmed = false;
    let mut tx = w.tx(&acme).await;
    let later = CampaignForm { starts_at: Some(tx.now() + TimeDelta::hours(1)), ..form };
    edit(&mut tx, id, &later).await.expect("editing is fine");
    assert!(launch_check(&mut tx, id).await.expect("looking is fine").is_ready());
    for action in [Action::Launch, Action::Schedule, Action::Resume] {
        let refusal = why(act(&mut tx, id, action).await);
        assert_eq!(refusal, "Confirm your e-mail address first: the link is in your mailbox.", "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_people_who_launch_at_once_launch_once() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (db, actor) = (w.db.clone(), acme.actor.clone());
        tasks.spawn(async move {
            let mut tx = db.begin(&actor).await.expect("begin");
            match act(&mut tx, id, Action::Launch).await {
                Ok(_) => {
                    tx.commit().await.expect("commit");
                    true
                }
                refused => {
                    assert_eq!(why(refused), "A campaign that is running cannot launch.");
                    false
                }
            }
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|launched| *launched).count(), 1);
    let mut tx = w.tx(&acme).await;
    assert_eq!(people(&mut tx, id).await.len(), 3);
    assert_eq!(wallet(&mut tx).await.reserved, Credits(5_000));
    nothing_is_wrong(&w).await;
}
