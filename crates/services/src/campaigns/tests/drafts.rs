//! Drafts, editing what runs, lists, and who may do what.

use super::*;

#[tokio::test]
async fn a_draft_is_created_edited_duplicated_and_deleted() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    let draft = load(&mut tx, id).await.expect("load");
    assert_eq!((draft.status, draft.settings_version, draft.form.clone()), (Status::Draft, 1, form.clone()));
    assert_eq!((draft.agent_name.as_deref(), draft.sandbox, draft.reserved), (Some("Ada"), true, Credits::ZERO));

    let edited = CampaignForm { name: " Autumn ".into(), audience: None, concurrency_max: 9, ..form };
    edit(&mut tx, id, &edited).await.expect("a draft may change its audience");
    let start = tx.now() + TimeDelta::days(1);
    let timed = CampaignForm { starts_at: Some(start), ends_at: Some(start + TimeDelta::days(1)), ..edited };
    edit(&mut tx, id, &timed).await.expect("edited again");
    let again = load(&mut tx, id).await.expect("load");
    assert_eq!((again.settings_version, again.starts_at.map(|m| m.at)), (3, Some(start)));

    let copy = duplicate(&mut tx, id).await.expect("copied");
    let twin = load(&mut tx, copy).await.expect("load");
    assert_eq!((twin.status, twin.form.name.as_str(), twin.settings_version), (Status::Draft, "Autumn (copy)", 1));
    assert_eq!((twin.form.starts_at, twin.form.ends_at), (None, None), "a copy does not inherit dates that may be over");
    assert_eq!(twin.form.concurrency_max, 9);

    delete(&mut tx, copy).await.expect("deleted");
    assert_eq!(told(load(&mut tx, copy).await), model::Error::not_found("campaign"));
    assert_eq!(told(delete(&mut tx, copy).await), model::Error::not_found("campaign"));
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_name_at_the_limit_can_still_be_duplicated() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let form = CampaignForm { name: "é".repeat(120), ..CampaignForm::default() };
    let id = create(&mut tx, &form).await.expect("120 characters");
    let copy = duplicate(&mut tx, id).await.expect("copied");
    assert!(load(&mut tx, copy).await.expect("load").form.name.ends_with("é (copy)"));
    let longer = CampaignForm { name: "é".repeat(121), ..CampaignForm::default() };
    assert_eq!(told(create(&mut tx, &longer).await).of_field("name"), Some("Use at most 120 characters."));
}

#[tokio::test]
async fn only_drafts_can_be_deleted() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[Action::Launch]).await;
    let mut tx = w.tx(&acme).await;
    assert_eq!(why(delete(&mut tx, id).await), "Only drafts can be deleted. Archive this campaign instead.");
    act(&mut tx, id, Action::Cancel).await.expect("cancelled");
    why(delete(&mut tx, id).await);
}

#[tokio::test]
async fn a_running_campaign_takes_new_settings_and_keeps_the_old_ones() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[Action::Launch]).await;
    let mut tx = w.tx(&acme).await;
    let slower = CampaignForm { concurrency_max: 2, ..form.clone() };
    edit(&mut tx, id, &slower).await.expect("edited");
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!((c.settings_version, c.form), (2, slower));
    let cap: i32 = sqlx::query_scalar("select cap from capacity where scope = 'campaign' and ref = $1")
        .bind(id)
        .fetch_one(tx.conn())
        .await
        .expect("slots");
    assert_eq!(cap, 2, "the new limit holds from the next dial");
    let kept: Vec<(i32, sqlx::types::Json<CampaignForm>)> =
        sqlx::query_as("select version, form from campaign_versions where campaign_id = $1 order by version")
            .bind(id)
            .fetch_all(tx.conn())
            .await
            .expect("versions");
    assert_eq!(kept.iter().map(|(n, f)| (*n, f.concurrency_max)).collect::<Vec<_>>(), [(1, form.concurrency_max), (2, 2)]);
}

#[tokio::test]
async fn the_audience_is_fixed_once_a_campaign_was_launched() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[Action::Launch]).await;
    let mut tx = w.tx(&acme).await;
    let wider = CampaignForm { audience: Some(Audience::Segment { segment: "vip".into() }), ..form };
    for pause in [false, true] {
        if pause {
            act(&mut tx, id, Action::Pause).await.expect("paused");
        }
        let refusal = told(edit(&mut tx, id, &wider).await);
        assert_eq!(refusal.of_field("audience"), Some("The audience is fixed once a campaign was launched."));
    }
}

#[tokio::test]
async fn a_campaign_that_is_over_is_duplicated_and_not_edited() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[Action::Launch, Action::Cancel]).await;
    let mut tx = w.tx(&acme).await;
    assert_eq!(why(edit(&mut tx, id, &form).await), "This campaign is cancelled. Duplicate it to change it.");
    let copy = duplicate(&mut tx, id).await.expect("copied");
    act(&mut tx, copy, Action::Launch).await.expect("the copy starts with everyone again");
    assert_eq!(people(&mut tx, copy).await.len(), 3);
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_paged() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (spring, form) = ready(&mut tx).await;
    for name in ["Älgen", "autumn", "Spring sale", "10 % off"] {
        create(&mut tx, &CampaignForm { name: name.into(), ..form.clone() }).await.expect("created");
    }
    act(&mut tx, spring, Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let mut names = async |filter: CampaignFilter| {
        let page = list(&mut tx, &filter).await.expect("list");
        (page.items.into_iter().map(|c| c.name).collect::<Vec<_>>(), page.total)
    };
    let by_name = CampaignFilter { sort: CampaignSort::Name, descending: false, ..CampaignFilter::default() };
    let search = |text: &str| CampaignFilter { search: text.into(), ..by_name.clone() };
    assert_eq!(names(search(" SPRING")).await, (vec!["Spring".to_owned(), "Spring sale".to_owned()], 2));
    assert_eq!(names(search("älg")).await.0, ["Älgen"]);
    assert_eq!(names(search("%")).await.0, Vec::<String>::new(), "a percent sign is a letter like any other");
    let active = CampaignFilter { status: Some(Status::Active), ..by_name.clone() };
    assert_eq!(names(active).await.0, ["Spring"]);
    let most = CampaignFilter { sort: CampaignSort::Contacts, ..CampaignFilter::default() };
    assert_eq!(names(most).await.0[0], "Spring");
    let second = CampaignFilter { paging: Paging::new(2, 1), ..search("spring") };
    assert_eq!(names(second).await, (vec!["Spring sale".to_owned()], 2));
    for sort in CampaignSort::ALL {
        assert_eq!(names(CampaignFilter { sort: *sort, ..by_name.clone() }).await.1, 5, "{sort}");
    }
}

#[tokio::test]
async fn another_companys_campaign_does_not_exist() {
    let w = World::new().await;
    let (_, id, form) = with_campaign(&w, &[Action::Launch]).await;
    let birch = w.company("birch").await;
    let mut tx = w.tx(&birch).await;
    let missing = model::Error::not_found("campaign");
    assert_eq!(told(load(&mut tx, id).await), missing);
    assert_eq!(told(launch_check(&mut tx, id).await), missing);
    assert_eq!(told(edit(&mut tx, id, &form).await), missing);
    assert_eq!(told(duplicate(&mut tx, id).await), missing);
    assert_eq!(told(delete(&mut tx, id).await), missing);
    for action in Action::ALL.iter().filter(|a| !matches!(a, Action::Start | Action::Complete)) {
        assert_eq!(told(act(&mut tx, id, *action).await), missing, "{action}");
    }
    assert_eq!(list(&mut tx, &CampaignFilter::default()).await.expect("list").total, 0);
    assert_eq!(people(&mut tx, id).await, []);
    assert_eq!(audience_count(&mut tx, &Audience::Everyone).await.expect("count"), 0);
}

#[tokio::test]
async fn viewers_look_operators_run_and_admins_edit() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let forbidden = |p: Permission| model::Error::Forbidden { permission: p.to_string() };
    for role in [Role::Viewer, Role::Operator] {
        let actor = w.member(&acme, role).await;
        if role == Role::Operator {
            let user = actor.user.as_ref().expect("a human").id;
            crate::team::access::assign(&w.db, &acme.actor, user, &[id]).await.expect("assigned");
        }
        let mut tx = w.db.begin(&actor).await.expect("begin");
        load(&mut tx, id).await.expect("may look");
        launch_check(&mut tx, id).await.expect("may look");
        assert_eq!(list(&mut tx, &CampaignFilter::default()).await.expect("may look").total, 1);
        let refused = [
            told(create(&mut tx, &form).await.map(drop)),
            told(edit(&mut tx, id, &form).await),
            told(duplicate(&mut tx, id).await.map(drop)),
            told(delete(&mut tx, id).await),
        ];
        assert_eq!(refused, std::array::from_fn(|_| forbidden(Permission::ManageCampaigns)), "{role}");
        let launch = act(&mut tx, id, Action::Launch).await;
        match role {
            Role::Viewer => assert_eq!(told(launch), forbidden(Permission::RunCampaigns)),
            _ => assert_eq!(launch.expect("operators run campaigns"), Status::Active),
        }
    }
}
