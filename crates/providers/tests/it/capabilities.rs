//! What every kind owes that offers more than calls: agents, documents, numbers, voices, and conversations that are judged.

use providers::*;

use super::{
    fixture::an_agent,
    support::{FAST, Heard, World, every_kind, phone},
};

/// The kinds whose agents, which hold conversations, are made from here, in a world each.
async fn conversational(test: impl AsyncFn(World)) {
    every_kind(FAST, async |world| {
        let keeps_agents = world.kind.is_conversational() && world.fixture.keeps_agents();
        assert_eq!(world.voice.agents().is_some(), keeps_agents, "neither more nor less than it says");
        if keeps_agents {
            test(world).await;
        }
    })
    .await;
}

fn analysis(heard: &[Heard]) -> Analysis {
    heard.iter().rev().find_map(Heard::analysis).expect("an analysis").clone()
}

#[tokio::test]
async fn an_agent_reads_back_as_it_was_made() {
    conversational(async |world| {
        let agents = world.voice.agents().expect("agents");
        let spec = an_agent(&format!("{}/hook", world.hooks));
        let made = agents.create(&spec).await.expect("created");
        let seen = agents.read(&made).await.expect("read").expect("exists");
        assert_eq!(seen.spec, spec);
        assert_eq!(seen.spec.fingerprint(), spec.fingerprint());
        assert_eq!(seen.agent.id, made.id);
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn an_agent_with_as_little_as_possible_reads_back_too() {
    conversational(async |world| {
        let agents = world.voice.agents().expect("agents");
        let full = an_agent(&format!("{}/hook", world.hooks));
        let spec = AgentSpec {
            greeting: String::new(),
            voicemail: None,
            opt_out: None,
            fields: Vec::new(),
            variables: Default::default(),
            voice: Some("a-voice".into()),
            ..full
        };
        let made = agents.create(&spec).await.expect("created");
        assert_eq!(agents.read(&made).await.expect("read").expect("exists").spec, spec);
        world.judge();
    })
    .await;
}

/// Somebody who edits the agent at the provider is noticed, and a change of ours reaches the calls that follow its publication.
#[tokio::test]
async fn a_published_agent_can_be_changed_and_drift_is_seen() {
    conversational(async |world| {
        let agents = world.voice.agents().expect("agents");
        let order = world.order("0001", 1).await;
        let first = order.agent.clone().expect("an agent");
        let before = agents.read(&first).await.expect("read").expect("exists").spec;
        let after = AgentSpec { greeting: "Good evening, {{first_name}}.".into(), ..before.clone() };
        let second = agents.update(&first.id, &after).await.expect("updated");
        assert_eq!(second.id, first.id);
        let newest = RemoteAgent::new(first.id.clone());
        let seen = agents.read(&newest).await.expect("read").expect("exists");
        assert_ne!(seen.spec.fingerprint(), before.fingerprint(), "drift");
        assert_eq!(seen.spec, after);
        agents.publish(&second).await.expect("published");
        assert!(agents.read(&second).await.expect("read").expect("exists").is_published);
        world.place(&Originate { agent: Some(newest), ..order }).await;
        let heard = world.hear_all().await;
        assert_eq!(analysis(&heard).transcript[0].text, "Good evening, Zoë.");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_is_gone_is_none_and_removing_it_again_is_fine() {
    conversational(async |world| {
        let agents = world.voice.agents().expect("agents");
        let made = agents.create(&an_agent(&world.hooks)).await.expect("created");
        agents.remove(&made.id).await.expect("removed");
        assert_eq!(agents.read(&made).await, Ok(None));
        agents.remove(&made.id).await.expect("gone already");
        assert_eq!(agents.read(&RemoteAgent::new("../../secrets")).await, Ok(None));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_call_without_an_agent_is_never_sent() {
    every_kind(FAST, async |world| {
        if !world.kind.is_conversational() {
            return;
        }
        let order = Originate { agent: None, ..world.order("0001", 1).await };
        let before = world.tap.seen.lock().expect("no test holds it").len();
        let Answer::Refused(refusal) = world.voice.originate(&order).await else { panic!("not refused") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "no_agent"));
        assert_eq!(world.tap.seen.lock().expect("no test holds it").len(), before);
    })
    .await;
}

#[tokio::test]
async fn a_conversation_is_told_with_who_said_what_and_when() {
    conversational(async |world| {
        let id = world.call("0001", 1).await;
        let heard = world.hear_all().await;
        let analysis = analysis(&heard);
        assert_eq!(analysis.transcript[0].text, "Hello Zoë, this is Ravi & Sons <bakery>.");
        let spoken: Vec<_> = analysis.transcript.iter().filter(|one| one.speaker != Speaker::Event).collect();
        assert!(
            spoken.iter().any(|one| one.speaker == Speaker::Agent) && spoken.iter().any(|one| one.speaker == Speaker::Person)
        );
        let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
        let talk_ms = seen.talk_seconds.expect("known") * 1000;
        assert!(spoken.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms), "{spoken:#?}");
        let last = spoken.last().and_then(|one| one.end_ms.or(one.start_ms)).expect("times");
        assert!((talk_ms / 2..=talk_ms + 1_000).contains(&last), "{last} of {talk_ms}");
        assert_eq!((analysis.successful, analysis.sentiment), (Some(true), Some(Sentiment::Positive)));
        assert!(analysis.summary.as_ref().is_some_and(|text| text.contains("interested")), "{analysis:?}");
        assert_ne!(analysis.opted_out, Some(true));
        assert!(analysis.keywords.contains(&"order".to_owned()), "{analysis:?}");
        assert!(analysis.fields.contains_key("pick_up_day") && analysis.fields.contains_key("is_happy"), "{analysis:?}");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn who_says_stop_calling_me_is_heard_and_answered() {
    conversational(async |world| {
        world.call("0006", 1).await;
        let analysis = analysis(&world.hear_all().await);
        assert_eq!((analysis.opted_out, analysis.successful), (Some(true), Some(false)));
        let said = |who: Speaker, what: &str| analysis.transcript.iter().any(|one| one.speaker == who && one.text.contains(what));
        assert!(said(Speaker::Person, "stop calling me") && said(Speaker::Agent, "We will not call you again."));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_machine_hears_the_message_or_is_hung_up_on() {
    conversational(async |world| {
        let agents = world.voice.agents().expect("agents");
        let order = world.order("0004", 1).await;
        let agent = order.agent.clone().expect("an agent");
        world.place(&order).await;
        let left = analysis(&world.hear_all().await);
        assert_eq!(left.voicemail, Some(true));
        assert!(left.transcript.iter().any(|one| one.text == "Your order is ready, Zoë."), "{left:#?}");

        let spec = agents.read(&agent).await.expect("read").expect("exists").spec;
        let changed = agents.update(&agent.id, &AgentSpec { voicemail: None, ..spec }).await.expect("updated");
        agents.publish(&changed).await.expect("published");
        let id = world.place(&Originate { agent: Some(changed), ..world.order("0004", 2).await }).await;
        let heard = world.hear_all().await;
        let own: Vec<Heard> = heard.into_iter().filter(|one| one.callback.id == id).collect();
        assert!(analysis(&own).transcript.iter().all(|one| one.speaker != Speaker::Agent));
        let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
        assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Voicemail));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn documents_are_handed_over_in_every_form_and_known_by_an_agent() {
    every_kind(FAST, async |world| {
        let Some(knowledge) = world.voice.knowledge() else { return };
        let file = Content::File {
            file_name: "prices \"new\".txt".into(),
            content_type: "text/plain".into(),
            bytes: b"Bread: 3\n".repeat(12_000),
        };
        let contents =
            [Content::Text("Bread costs three. خبز".into()), Content::Url("https://bakery.example/prices".into()), file];
        let mut ids = Vec::new();
        for content in contents {
            let document = Document { name: "Prices of the bakery, as of this week only".into(), content };
            if matches!(document.content, Content::Url(_)) && !world.fixture.manners().reads_pages {
                assert!(matches!(knowledge.put(&document).await, Err(ProviderError::Unsupported(_))));
                continue;
            }
            ids.push(knowledge.put(&document).await.expect("put"));
        }
        for id in &ids {
            let mut state = knowledge.state(id).await.expect("asked");
            for _ in 0..3 {
                if state == Some(DocumentState::Pending) {
                    state = knowledge.state(id).await.expect("asked");
                }
            }
            assert_eq!(state, Some(DocumentState::Ready));
        }
        let agents = world.voice.agents().expect("agents");
        let spec = AgentSpec { knowledge: ids.clone(), ..an_agent(&world.hooks) };
        let made = agents.create(&spec).await.expect("created");
        assert_eq!(agents.read(&made).await.expect("read").expect("exists").spec.knowledge, ids);
        agents.remove(&made.id).await.expect("removed");
        knowledge.remove(&ids[0]).await.expect("removed");
        assert_eq!(knowledge.state(&ids[0]).await, Ok(None));
        knowledge.remove(&ids[0]).await.expect("gone already");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_number_is_imported_listed_and_bound() {
    every_kind(FAST, async |world| {
        let Some(numbers) = world.voice.numbers() else { return };
        let carrier = Carrier::Sip {
            address: "trunk.example.com".into(),
            username: Some("belfry".into()),
            password: Some("secret".to_owned().into()),
        };
        let phone = phone("+12025550142");
        let imported = numbers.import(&NumberImport { phone: phone.clone(), label: "Front desk".into(), carrier }).await;
        let made = match world.fixture.imports_numbers() {
            true => imported.expect("imported"),
            false => {
                assert!(matches!(imported, Err(ProviderError::Unsupported(_))), "{imported:?}");
                numbers.list().await.expect("listed").remove(0)
            }
        };
        if world.fixture.imports_numbers() {
            assert_eq!((&made.phone, made.label.as_deref()), (&phone, Some("Front desk")));
        }
        let agent = world.order("0001", 1).await.agent;
        let url = format!("{}/voice", world.hooks);
        let news = format!("{}/hook", world.hooks);
        let binding = Binding { agent: agent.clone(), inbound_url: Some(url), news_url: Some(news) };
        numbers.bind(&made.id, &binding).await.expect("bound");
        let bound = |all: Vec<RemoteNumber>| all.into_iter().find(|one| one.id == made.id).expect("listed").binding;
        let binding = bound(numbers.list().await.expect("listed"));
        assert_eq!(binding.agent.map(|one| one.id), agent.map(|one| one.id));
        world.judge();
        numbers.bind(&made.id, &Binding::default()).await.expect("unbound");
        let binding = bound(numbers.list().await.expect("listed"));
        assert_eq!((binding.agent, binding.inbound_url), (None, None));
        // An empty address is how Twilio is told to forget one; its OpenAPI file calls that no uri.
        if world.kind != ProviderKind::Twilio {
            world.judge();
        }
    })
    .await;
}

#[tokio::test]
async fn those_who_talk_are_listed_where_they_are_made_elsewhere() {
    every_kind(FAST, async |world| {
        assert_eq!(world.voice.staff().is_some(), world.kind.is_conversational() && !world.fixture.keeps_agents());
        let Some(staff) = world.voice.staff() else { return };
        let all = staff.list().await.expect("listed");
        assert!(all.iter().all(|one| !one.id.is_empty() && !one.name.is_empty()), "{all:?}");
        assert!(all.iter().any(|one| one.can_call_now) && all.iter().all(|one| one.may_call || !one.can_call_now));
        let one = all.into_iter().find(|one| one.can_call_now).expect("somebody");
        world.place(&Originate { agent: Some(RemoteAgent::new(one.id)), ..world.order("0013", 1).await }).await;
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn voices_have_ids_and_names() {
    every_kind(FAST, async |world| {
        let Some(voices) = world.voice.voices() else { return };
        let all = voices.list().await.expect("listed");
        assert!(all.len() >= 2 && all.iter().all(|voice| !voice.id.is_empty() && !voice.name.is_empty()), "{all:?}");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_text_is_read_out_in_every_format_for_as_long_as_it_is() {
    every_kind(FAST, async |world| {
        let Some(speech) = world.voice.speech() else { return };
        let voice = world.voice.voices().expect("voices").list().await.expect("listed").swap_remove(0).id;
        for format in [SoundFormat::Mp3, SoundFormat::Ulaw] {
            let mut lengths = Vec::new();
            for text in ["Good morning.", "Good morning, your order is ready, and it will be until six in the evening."] {
                let utterance = Utterance { text: text.into(), voice: voice.clone(), language: Some("en-US".into()), format };
                let spoken = speech.speak(&utterance).await.expect("spoken");
                assert!(spoken.sound.content_type.starts_with("audio/"), "{}", spoken.sound.content_type);
                assert!(spoken.characters.is_none_or(|count| count == text.len() as u64));
                lengths.push(spoken.sound.bytes.len());
            }
            assert!(lengths[0] > 0 && lengths[1] > 2 * lengths[0], "{lengths:?}");
        }
        world.judge();
    })
    .await;
}
