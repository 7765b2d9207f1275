//! Checks that change nothing: who we are, what is listed, what is not there. And speech, which costs a few credits.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::{Report, Site};
use crate::{
    Account, ProviderKind, connect,
    engine::{SoundFormat, Utterance},
    voice::{LookUp, ProviderCallId, ProviderError, RefusalKind, VoiceProvider},
};

pub async fn check(site: &Site<'_>, report: &mut Report<'_>) {
    let voice = &*site.voice;
    report.judged("credentials", credentials(voice).await);
    report.judged("a wrong key", wrong_key(site).await);
    match voice.voices() {
        None => report.not_checked("voices", "none are listed"),
        Some(voices) => report.judged(
            "voices",
            match voices.list().await {
                Ok(all) if all.is_empty() => Err("the list is empty".to_owned()),
                Ok(all) if all.iter().any(|one| one.id.is_empty() || one.name.is_empty()) => {
                    Err("one has no id or no name".to_owned())
                }
                Ok(all) => Ok(all.len().to_string()),
                Err(error) => Err(error.to_string()),
            },
        ),
    }
    match voice.numbers() {
        None => report.not_checked("numbers", "none are kept"),
        Some(numbers) => report.judged(
            "numbers",
            match (numbers.list().await, &site.keys.from) {
                (Ok(all), Some(from)) if all.iter().all(|one| one.phone != *from) => {
                    Err(format!("{} is not among {}", from.masked(), all.len()))
                }
                (Ok(all), _) => Ok(all.len().to_string()),
                (Err(error), _) => Err(error.to_string()),
            },
        ),
    }
    match voice.staff() {
        None => report.not_checked("staff", "none is listed"),
        Some(staff) => report.judged(
            "staff",
            match staff.list().await {
                Ok(all) if all.iter().all(|one| !one.may_call) => Err(format!("none of {} may call", all.len())),
                Ok(all) => Ok(format!("{}, {} can call now", all.len(), all.iter().filter(|one| one.can_call_now).count())),
                Err(error) => Err(error.to_string()),
            },
        ),
    }
    report.judged(
        "a call that nobody made",
        match voice.fetch(&ProviderCallId::new(nobody_s(site.kind))).await {
            Ok(None) => Ok("there is none".to_owned()),
            Ok(Some(_)) => Err("there is one".to_owned()),
            Err(error) => Err(error.to_string()),
        },
    );
    recent(site, report).await;
    look_up(site, report).await;
}

async fn credentials(voice: &dyn VoiceProvider) -> Result<String, String> {
    let info = voice.check().await.map_err(|error| error.to_string())?;
    let balance = match (info.balance_micros, info.currency) {
        (Some(micros), currency) => format!(", {} {:.2}", currency.unwrap_or_default(), micros as f64 / 1e6),
        (None, _) => String::new(),
    };
    let said = format!("{}{balance}", info.name);
    if info.active { Ok(said) } else { Err(format!("not active: {said}")) }
}

/// The key with its last letter changed must be a matter of configuration, which pauses campaigns instead of trying on.
async fn wrong_key(site: &Site<'_>) -> Result<String, String> {
    let mut secret = site.keys.account.secret.expose_secret().to_owned();
    let last = secret.pop();
    secret.push(if last == Some('0') { '1' } else { '0' });
    let stranger = connect(site.kind, Account { secret: secret.into(), ..site.keys.account.clone() }, site.client.clone());
    match stranger.check().await {
        Err(ProviderError::Refused(refusal)) if refusal.kind == RefusalKind::Configuration => {
            Ok(format!("refused: {}", refusal.code))
        }
        Err(other) => Err(format!("not told from other trouble: {other}")),
        Ok(_) => Err("let in".to_owned()),
    }
}

/// An id in the shape of theirs.
const fn nobody_s(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Twilio => "CA00000000000000000000000000000000",
        ProviderKind::Retell => "call_00000000000000000000000000",
        ProviderKind::Vapi => "00000000-0000-4000-8000-000000000000",
        ProviderKind::ElevenLabs => "conv_0000000000000000000000000000",
        ProviderKind::Maqsam => "v3-ref-00000000000000000000000000000000",
    }
}

/// Those of the last day; the newest is fetched by itself too.
async fn recent(site: &Site<'_>, report: &mut Report<'_>) {
    let now = site.clock.now();
    let all = match site.voice.list(now - TimeDelta::days(1), now).await {
        Ok(all) => all,
        Err(ProviderError::TooMany(pages)) => {
            return report.not_checked("recent calls", format!("more than {pages} pages in a day"));
        }
        Err(error) => return report.failed("recent calls", error),
    };
    let Some(newest) = all.first() else { return report.passed("recent calls", "none in a day, so none was fetched") };
    report.judged(
        "recent calls",
        match site.voice.fetch(&newest.id).await {
            Ok(Some(seen)) if seen.id == newest.id => Ok(format!("{} in a day; the first is {}", all.len(), seen.raw_status)),
            Ok(Some(seen)) => Err(format!("{} comes back as {}", newest.id, seen.id)),
            Ok(None) => Err(format!("{} is listed and cannot be fetched", newest.id)),
            Err(error) => Err(error.to_string()),
        },
    );
}

async fn look_up(site: &Site<'_>, report: &mut Report<'_>) {
    let (Some(from), Some(to)) = (&site.keys.from, &site.keys.to) else {
        let name = if site.keys.from.is_none() { "FROM" } else { "TO" };
        return report.not_checked("a look-up of a lost answer", site.keys.unset(name));
    };
    let now = site.clock.now();
    let look = LookUp { to: to.clone(), from: from.clone(), call: None, since: now - TimeDelta::hours(1), until: now };
    match site.voice.find(&look).await {
        Ok(found) => report.passed("a look-up of a lost answer", format!("{} in an hour between the two numbers", found.len())),
        Err(error) => report.failed("a look-up of a lost answer", error),
    }
}

pub async fn speech(site: &Site<'_>, report: &mut Report<'_>) {
    let (Some(speech), Some(voices)) = (site.voice.speech(), site.voice.voices()) else {
        return report.not_checked("speech", "none is offered");
    };
    if !site.call {
        return report.not_checked("speech", "costs credits: see --call");
    }
    let voice = voices.list().await.ok().and_then(|all| all.into_iter().next());
    let Some(voice) = voice else { return report.not_checked("speech", "there is no voice to speak with") };
    let utterance = Utterance { text: "Good morning.".to_owned(), voice: voice.id, language: None, format: SoundFormat::Mp3 };
    report.judged(
        "speech",
        match speech.speak(&utterance).await {
            Ok(spoken) if spoken.sound.bytes.is_empty() => Err("no sound".to_owned()),
            Ok(spoken) => Ok(format!("{} bytes of {}", spoken.sound.bytes.len(), spoken.sound.content_type)),
            Err(error) => Err(error.to_string()),
        },
    );
}
