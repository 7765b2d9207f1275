//! Links open what they say, for as long as they say, and nothing else.

mod copying;

use super::files::{ending, link};
use super::*;
use crate::testing::World;
use chrono::TimeDelta;
use model::id::CompanyId;
use uuid::Uuid;

/// The parts of a link: company, name, until, signature.
fn parts(link: &str) -> (CompanyId, String, i64, String) {
    let (path, query) = link.split_once('?').expect("a query");
    let mut path = path.trim_start_matches("/recordings/").split('/');
    let (company, name) = (path.next().expect("a company"), path.next().expect("a name"));
    let (until, signature) = query.split_once('&').expect("two parameters");
    let until = until.trim_start_matches("until=").parse().expect("a moment");
    (company.parse().expect("an id"), name.to_owned(), until, signature.trim_start_matches("signature=").to_owned())
}

#[tokio::test]
async fn a_link_opens_its_recording_for_a_while_and_nothing_else() {
    let w = World::new().await;
    let (config, now) = (w.db.config(), w.db.clock().now());
    let (company, other) = (CompanyId::from(Uuid::from_u128(1)), CompanyId::from(Uuid::from_u128(2)));
    let id = RecordingId::from(Uuid::from_u128(3));
    let (_, name, until, signature) = parts(&link(config, company, id, "audio/x-wav", now).expect("a link"));
    let opened = open(config, company, &name, until, &signature, now).expect("opens");
    assert_eq!(opened.content_type, "audio/wav");
    assert!(opened.path.starts_with(config.data_dir.join("recordings")), "{opened:?}");
    assert!(open(config, company, &name, until, &signature, now + TimeDelta::hours(2)).is_some(), "two hours at least");
    assert_eq!(open(config, company, &name, until, &signature, now + TimeDelta::hours(4)), None, "its time is over");
    assert_eq!(open(config, other, &name, until, &signature, now), None, "another company's");
    assert_eq!(open(config, company, &name, until + 3600, &signature, now), None, "a longer time");
    assert_eq!(open(config, company, &name.replace("wav", "mp3"), until, &signature, now), None, "another file");
    let another = name.replace('3', "4");
    assert_eq!(open(config, company, &another, until, &signature, now), None, "another recording");
    for bad in ["", "..%2f", "../../secret-key.wav", "rec_x.wav", "wav"] {
        assert_eq!(open(config, company, bad, until, &signature, now), None, "{bad}");
    }
    // Whatever one bit of the signature becomes.
    for at in 0..signature.len() {
        let mut bytes = signature.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(open(config, company, &name, until, &changed, now), None, "{changed}");
    }
}

#[test]
fn sounds_are_known_by_what_providers_call_them() {
    for (told, expected) in [
        ("audio/wav", Some("wav")),
        ("audio/x-wav; charset=binary", Some("wav")),
        ("Audio/MPEG", Some("mp3")),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(ending(told), expected, "{told}");
    }
}
