//! Who we are at a provider: checks, keys, other accounts, kinds.

use std::time::Duration;

use providers::*;

use super::support::{FAST, OWNER, client, every_kind};

#[tokio::test]
async fn a_check_shows_the_account_and_a_bad_key_is_a_matter_of_configuration() {
    every_kind(FAST, async |world| {
        let manners = world.fixture.manners();
        let info = world.voice.check().await.expect("good credentials");
        assert!(info.active && !info.name.is_empty() && !info.account.is_empty(), "{info:?}");
        assert_eq!(info.balance_micros, manners.balance_micros);
        let order = world.order("0001", 1).await;
        let stranger = world.connect(|account| account.secret = "0123456789abcdef".to_owned().into(), Duration::from_secs(10));
        let Err(ProviderError::Refused(refusal)) = stranger.check().await else { panic!("let in") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, manners.codes.bad_key));
        let Answer::Refused(refusal) = stranger.originate(&order).await else { panic!("let in") };
        assert_eq!(refusal.kind, RefusalKind::Configuration);
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_printed() {
    every_kind(FAST, async |world| {
        let account = world.fixture.account(&world.gremlin, OWNER);
        let printed = format!("{account:?}");
        assert!(!printed.contains(account.secret.expose_secret()));
        assert!(account.webhook_secret.as_ref().is_none_or(|secret| !printed.contains(secret.expose_secret())));
    })
    .await;
}

#[test]
fn every_kind_has_a_word_that_reads_back() {
    for kind in ProviderKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert!(base_url(*kind).starts_with("https://"));
    }
    assert!("telegraph".parse::<ProviderKind>().is_err());
}

#[tokio::test]
async fn an_unknown_call_is_none_and_another_account_s_call_is_unknown() {
    every_kind(FAST, async |world| {
        let id = world.call("0002", 1).await;
        world.hear_end().await;
        let unknown = ProviderCallId::new(world.fixture.manners().unknown_call);
        assert_eq!(world.voice.fetch(&unknown).await, Ok(None));
        assert_eq!(world.voice.report(&unknown).await, Ok(Vec::new()));
        assert_eq!(world.voice.fetch(&ProviderCallId::new("../Balance")).await, Ok(None));
        let other = connect(world.kind, world.fixture.account(&world.gremlin, "other"), client(Duration::from_secs(10)));
        assert_eq!(other.fetch(&id).await, Ok(None));
        assert!(world.voice.fetch(&id).await.expect("fetched").is_some());
        world.judge();
    })
    .await;
}
