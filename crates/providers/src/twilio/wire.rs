//! Twilio's words and ours: the JSON resources, status names, error codes, moments and prices.
//! Pure: text in, canonical types out. Unknown words are kept raw; nothing here fails on one.

use chrono::{DateTime, TimeDelta, Utc};
use model::phone::Phone;
use serde::Deserialize;

use crate::{
    exchange::refused,
    money::micros,
    voice::{AnsweredBy, Observed, Outcome, ProviderCallId, ProviderStatus, Recording, Refusal, RefusalKind},
};

/// The Call resource; every field but the id may be null.
#[derive(Debug, Clone, Deserialize)]
pub struct CallResource {
    pub sid: String,
    pub status: Option<String>,
    pub to: Option<String>,
    pub from: Option<String>,
    pub date_created: Option<String>,
    pub start_time: Option<String>,
    pub end_time: Option<String>,
    pub duration: Option<String>,
    pub price: Option<String>,
    pub price_unit: Option<String>,
    pub answered_by: Option<String>,
}

/// One page of a list of calls.
#[derive(Debug, Deserialize)]
pub struct CallPage {
    pub calls: Vec<CallResource>,
    pub next_page_uri: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct AccountResource {
    pub sid: String,
    pub friendly_name: Option<String>,
    pub status: Option<String>,
}

/// The recordings of one call.
#[derive(Debug, Deserialize)]
pub struct RecordingPage {
    pub recordings: Vec<RecordingResource>,
}

#[derive(Debug, Deserialize)]
pub struct RecordingResource {
    sid: String,
    #[serde(default)]
    status: String,
    /// Seconds, as a text.
    duration: Option<String>,
}

impl RecordingResource {
    pub fn recording(self) -> Recording {
        Recording {
            url: None,
            seconds: self.duration.and_then(|text| text.parse().ok()),
            ready: self.status == "completed" && is_sid(&self.sid, "RE"),
            id: self.sid,
            raw_status: self.status,
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct BalanceResource {
    pub balance: Option<String>,
    pub currency: Option<String>,
}

/// The body of every 4xx and 5xx that Twilio itself wrote.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    pub code: i64,
    #[serde(default)]
    pub message: String,
}

impl CallResource {
    /// The canonical view. `answered_at` is worked out from the end and the duration, as the resource does not carry it.
    pub fn observed(self) -> Observed {
        let raw_status = self.status.unwrap_or_default();
        let detected = self.answered_by.as_deref().filter(|by| !by.is_empty()).map(answered_by);
        let status = status(&raw_status, detected);
        let (started_at, ended_at) = (moment(self.start_time), moment(self.end_time));
        let talk_seconds = self.duration.and_then(|text| text.parse().ok());
        let answered_at = match (ended_at, talk_seconds) {
            (Some(end), Some(seconds)) if seconds > 0 => {
                let at = end - TimeDelta::try_seconds(seconds).unwrap_or_default();
                Some(started_at.map_or(at, |start| at.max(start)))
            }
            _ => None,
        };
        Observed {
            id: ProviderCallId::new(self.sid),
            call: None,
            status,
            raw_status,
            raw_reason: None,
            // Twilio does not say whose fault a failure is.
            platform_fault: false,
            answered_by: detected,
            created_at: moment(self.date_created),
            started_at,
            answered_at,
            ended_at,
            talk_seconds,
            // Twilio shows what it takes from the account, so a charge is negative.
            price_micros: self.price.as_deref().and_then(micros).map(|price| -price),
            currency: self.price_unit.map(|unit| unit.to_ascii_uppercase()),
            from: phone(self.from),
            to: phone(self.to),
        }
    }
}

/// Status word to canonical status. A machine's "completed" is our voicemail, a fax's is a failure (providers.md §0, §1).
pub fn status(word: &str, answered_by: Option<AnsweredBy>) -> ProviderStatus {
    match word {
        "queued" | "initiated" => ProviderStatus::Dialing,
        "ringing" => ProviderStatus::Ringing,
        "in-progress" => ProviderStatus::InProgress,
        "completed" => ProviderStatus::Ended(match answered_by {
            Some(AnsweredBy::Voicemail) => Outcome::Voicemail,
            Some(AnsweredBy::Fax) => Outcome::Failed,
            Some(AnsweredBy::Human | AnsweredBy::Unclear) | None => Outcome::Completed,
        }),
        "busy" => ProviderStatus::Ended(Outcome::Busy),
        "no-answer" => ProviderStatus::Ended(Outcome::NoAnswer),
        "failed" => ProviderStatus::Ended(Outcome::Failed),
        "canceled" => ProviderStatus::Ended(Outcome::Canceled),
        _ => ProviderStatus::Unrecognised,
    }
}

/// Machine detection's word to ours; an unknown word is as good as "unknown".
pub fn answered_by(word: &str) -> AnsweredBy {
    match word {
        "human" => AnsweredBy::Human,
        "fax" => AnsweredBy::Fax,
        machine if machine.starts_with("machine") => AnsweredBy::Voicemail,
        _ => AnsweredBy::Unclear,
    }
}

/// Twilio error codes of a refused call that say something about the number called (providers.md §1, "Errors").
const PERMANENT: &[i64] = &[21211, 21214, 21215, 21216, 21217];
/// Codes that say "later".
const TRANSIENT: &[i64] = &[10004, 20429];

/// Sorts an answer that is not a success. `None` when it does not come from Twilio itself (a gateway's error
/// page): then nobody can say whether the request got through.
pub fn refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorBody>(body).ok();
    let kind = match (http_status, error.as_ref().map(|error| error.code)) {
        (_, Some(code)) if PERMANENT.contains(&code) => RefusalKind::Permanent,
        (_, Some(code)) if TRANSIENT.contains(&code) => RefusalKind::Transient,
        (429 | 503, _) | (500..=599, Some(_)) => RefusalKind::Transient,
        // 20003, 20005, 21210, 21212, 21219 and whatever we have not met: a person should look before more is dialed.
        (400..=499, _) => RefusalKind::Configuration,
        _ => return None,
    };
    let (code, message) = match error {
        Some(error) => (error.code.to_string(), error.message),
        None => (format!("http_{http_status}"), String::from_utf8_lossy(body).into_owned()),
    };
    Some(refused(kind, code, &message, retry_after))
}

/// RFC 2822, as in `Wed, 08 Oct 2025 13:54:12 +0000`.
pub fn moment(text: Option<String>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text?.trim()).ok().map(|at| at.with_timezone(&Utc))
}

/// `sip:` addresses and hidden numbers are no phones; they are left out, not refused.
pub fn phone(text: Option<String>) -> Option<Phone> {
    Phone::parse(text?.trim()).ok()
}

/// An id of Twilio: two capitals and 32 hexadecimal digits. Checked before one becomes part of a URL.
pub fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::RETRY_AFTER_MAX;
    use std::time::Duration;

    #[test]
    fn a_completed_call_answered_by_a_machine_is_a_voicemail() {
        assert_eq!(status("completed", Some(answered_by("machine_end_beep"))), ProviderStatus::Ended(Outcome::Voicemail));
        assert_eq!(status("completed", Some(answered_by("fax"))), ProviderStatus::Ended(Outcome::Failed));
        assert_eq!(status("completed", Some(answered_by("unknown"))), ProviderStatus::Ended(Outcome::Completed));
        assert_eq!(status("completed", None), ProviderStatus::Ended(Outcome::Completed));
    }

    #[test]
    fn unknown_words_are_recorded_and_never_fail() {
        assert_eq!(status("teleported", None), ProviderStatus::Unrecognised);
        assert_eq!(ProviderStatus::Unrecognised.rank(), None);
        assert_eq!(answered_by("parrot"), AnsweredBy::Unclear);
    }

    #[test]
    fn refusals_are_sorted_by_what_to_do_about_them() {
        let kind = |status: u16, code: i64| {
            let body = format!(r#"{{"code":{code},"message":"m","more_info":"x","status":{status}}}"#);
            refusal(status, body.as_bytes(), None).map(|refusal| refusal.kind)
        };
        for code in [21211, 21214, 21215, 21216, 21217] {
            assert_eq!(kind(400, code), Some(RefusalKind::Permanent), "{code}");
        }
        for (status, code) in [(429, 20429), (429, 20001), (500, 20500), (503, 20503), (400, 10004)] {
            assert_eq!(kind(status, code), Some(RefusalKind::Transient), "{code}");
        }
        for (status, code) in [(401, 20003), (403, 20005), (400, 21210), (400, 21212), (400, 21219), (400, 99999), (404, 20404)] {
            assert_eq!(kind(status, code), Some(RefusalKind::Configuration), "{code}");
        }
    }

    #[test]
    fn an_error_page_of_a_gateway_proves_nothing() {
        assert_eq!(refusal(502, b"<html>bad gateway</html>", None), None);
        assert_eq!(refusal(504, b"", None), None);
        assert_eq!(refusal(302, b"", None), None);
        assert_eq!(refusal(503, b"upstream unavailable", None).map(|r| r.kind), Some(RefusalKind::Transient));
    }

    #[test]
    fn retry_after_is_kept_and_bounded() {
        let wait = |text| refusal(429, b"", Some(text)).and_then(|refusal| refusal.retry_after);
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn the_moment_of_answer_is_worked_out_and_never_before_the_start() {
        let call = |duration: &str| {
            serde_json::from_value::<CallResource>(serde_json::json!({
                "sid": "CA1", "status": "completed", "duration": duration,
                "start_time": "Tue, 31 Aug 2010 20:36:29 +0000", "end_time": "Tue, 31 Aug 2010 20:36:44 +0000",
                "price": "-0.03000", "price_unit": "usd", "from": "sip:x@y", "to": "+14155551212",
            }))
            .expect("a resource")
            .observed()
        };
        let seen = call("10");
        assert_eq!(seen.answered_at.map(|at| at.to_rfc3339()), Some("2010-08-31T20:36:34+00:00".into()));
        assert_eq!((seen.price_micros, seen.currency.as_deref()), (Some(30_000), Some("USD")));
        assert_eq!((seen.from, seen.to.map(|to| to.to_string())), (None, Some("+14155551212".into())));
        assert_eq!(call("600").answered_at, seen.started_at);
        assert_eq!(call("0").answered_at, None);
    }
}
