//! What a call at Twilio was ordered with, and the forms it posts about it: call progress, verdicts, recordings.
//! Twilio repeats a callback once when it cannot connect, and never for a 5xx.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::RequestBuilder;
use url::form_urlencoded;

use super::sign::signature;
use crate::{
    call::{Call, Direction, Hook, Verdict},
    callbacks::UNKNOWN_STATUS,
    clock,
    life::VERDICT_SECONDS,
    network::Network,
    numbers,
    speaker::{Bill, Body, Message, Moment, Patience, Speaker},
};

/// Twilio's list price for the US per begun minute, in millionths of a dollar.
const PRICE_PER_MINUTE_MICROS: u64 = 14_000;
/// When the price is known, after the end.
const BILL_SECONDS: f64 = 20.0;

type Form = Vec<(String, String)>;

/// The part of a call's order that only Twilio knows.
#[derive(Debug, Default)]
pub struct Terms {
    pub status_callback: Option<Hook>,
    /// Of `initiated ringing answered completed`.
    pub events: Vec<String>,
    pub detection: Option<Detection>,
    pub recording: Option<Recording>,
    /// The number of the next status callback.
    pub sequence: AtomicU32,
}

#[derive(Debug, Clone)]
pub struct Detection {
    /// In the background, with the verdict posted here; else the document waits for it.
    pub callback: Option<Hook>,
    pub background: bool,
    pub message_end: bool,
}

#[derive(Debug, Clone)]
pub struct Recording {
    pub channels: u16,
    pub callback: Option<Hook>,
    pub events: Vec<String>,
}

impl Speaker for Terms {
    fn provider(&self) -> &'static str {
        "twilio"
    }

    fn new_id(&self, network: &Network, serial: u64) -> String {
        network.new_sid("CA", &serial.to_string())
    }

    fn tell(&self, network: &Network, call: &Call, moment: Moment) -> Vec<Message> {
        let told = match moment {
            Moment::Initiated => self.status(network, call, "initiated"),
            Moment::Ringing => self.status(network, call, "ringing"),
            Moment::Answered => self.status(network, call, "answered"),
            Moment::Ended => self.status(network, call, "completed"),
            Moment::Detected => self.detection(call),
            Moment::Recorded => self.recording(network, call),
            Moment::Analyzed => None,
        };
        told.into_iter().collect()
    }

    fn seal(&self, network: &Network, account: &str, message: &Message, forged: bool) -> RequestBuilder {
        let Body::Form(form) = &message.body else { unreachable!("Twilio's messages are forms") };
        request(network, account, &message.url, &message.method, form, forged)
    }

    fn garble(&self, message: &mut Message) -> bool {
        let Body::Form(form) = &mut message.body else { return false };
        let status = form.iter_mut().find(|(key, _)| key == "CallStatus");
        status.map(|(_, word)| *word = UNKNOWN_STATUS.to_owned()).is_some()
    }

    fn patience(&self) -> Patience {
        Patience::OnceUnconnected
    }

    fn bill(&self, seconds: u64) -> Bill {
        Bill { micros: seconds.div_ceil(60) * PRICE_PER_MINUTE_MICROS, after_seconds: BILL_SECONDS }
    }
}

impl Terms {
    /// Tells of progress, if this event was asked for.
    fn status(&self, network: &Network, call: &Call, event: &'static str) -> Option<Message> {
        let hook = self.status_callback.as_ref()?;
        if !self.events.iter().any(|wanted| wanted == event) {
            return None;
        }
        let mut form = call_form(call);
        put(&mut form, "Timestamp", clock::rfc2822(clock::now()));
        put(&mut form, "CallbackSource", "call-progress-events");
        put(&mut form, "SequenceNumber", self.sequence.fetch_add(1, Ordering::Relaxed).to_string());
        if event == "completed" {
            put_end(&mut form, call, &network.public_url);
        }
        Some(message(hook, form, event))
    }

    /// The detector's verdict.
    fn detection(&self, call: &Call) -> Option<Message> {
        let detection = self.detection.as_ref().filter(|detection| detection.background)?;
        let hook = detection.callback.as_ref()?;
        let mut form = Form::new();
        put(&mut form, "CallSid", &call.id);
        put(&mut form, "AccountSid", &call.order.account);
        put(&mut form, "AnsweredBy", verdict(call)?);
        put(&mut form, "MachineDetectionDuration", format!("{:.0}", VERDICT_SECONDS * 1000.0));
        Some(message(hook, form, "detection"))
    }

    /// The recording is ready, or there is none.
    fn recording(&self, network: &Network, call: &Call) -> Option<Message> {
        let recording = self.recording.as_ref()?;
        let hook = recording.callback.as_ref()?;
        let status = if call.recording_id.is_some() { "completed" } else { "absent" };
        if !recording.events.iter().any(|wanted| wanted == status) {
            return None;
        }
        let recording_sid = call.recording_id.clone().unwrap_or_else(|| network.new_sid("RE", &call.id));
        let mut form = Form::new();
        put(&mut form, "AccountSid", &call.order.account);
        put(&mut form, "CallSid", &call.id);
        put(&mut form, "RecordingUrl", recording_url(&network.public_url, &call.order.account, &recording_sid));
        put(&mut form, "RecordingSid", recording_sid);
        put(&mut form, "RecordingStatus", status);
        put(&mut form, "RecordingDuration", call.duration.unwrap_or_default().to_string());
        put(&mut form, "RecordingChannels", recording.channels.to_string());
        put(&mut form, "RecordingStartTime", call.started_at.map(clock::rfc2822).unwrap_or_default());
        put(&mut form, "RecordingSource", "OutboundAPI");
        put(&mut form, "RecordingTrack", "both");
        Some(message(hook, form, "recording"))
    }
}

fn message(hook: &Hook, form: Form, event: &str) -> Message {
    Message { url: hook.url.clone(), method: hook.method.clone(), event: event.to_owned(), body: Body::Form(form) }
}

/// Twilio's word for what picked up.
pub fn verdict(call: &Call) -> Option<&'static str> {
    let detection = call.order.terms::<Terms>().and_then(|terms| terms.detection.as_ref());
    Some(match call.verdict? {
        Verdict::Human => "human",
        Verdict::Machine if detection.is_some_and(|detection| detection.message_end) => "machine_end_beep",
        Verdict::Machine => "machine_start",
    })
}

/// Twilio's word.
pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "outbound-api",
        Direction::Inbound => "inbound",
    }
}

/// Our caller's own id of a call: the `call` parameter of the status callback, or a path segment like `cal_…`.
pub fn reference(status_callback: Option<&Hook>) -> Option<String> {
    let url = url::Url::parse(&status_callback?.url).ok()?;
    let named = url.query_pairs().find(|(key, _)| key == "call").map(|(_, value)| value.into_owned());
    named.or_else(|| url.path_segments()?.find(|part| part.starts_with("cal_")).map(str::to_owned))
}

/// A signed request to the customer.
pub fn request(
    network: &Network,
    account: &str,
    url: &str,
    method: &str,
    form: &[(String, String)],
    forged: bool,
) -> reqwest::RequestBuilder {
    let token = network.token(account);
    let address = &address_as_sent(url);
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(form);
    let encoded = pairs.finish();
    let (request, mut signed) = if method == "GET" {
        let full = format!("{address}{}{encoded}", if address.contains('?') { '&' } else { '?' });
        let signed = signature(&token, &full, &[]);
        (network.client.get(full), signed)
    } else {
        let post =
            network.client.post(address).header("content-type", "application/x-www-form-urlencoded; charset=UTF-8").body(encoded);
        (post, signature(&token, address, form))
    };
    if forged {
        signed = signature("forged", address, form);
    }
    request
        .header("user-agent", "TwilioProxy/1.1 (gremlin)")
        .header("x-twilio-signature", signed)
        .header("i-twilio-idempotency-token", network.new_sid("IT", &signed_key(form)))
}

/// Without the fragment, which holds connection settings and is not sent; with every byte outside ASCII escaped, as
/// HTTP carries it: what is signed is what arrives.
fn address_as_sent(url: &str) -> String {
    use std::fmt::Write;
    let bare = url.split('#').next().unwrap_or_default();
    bare.bytes().fold(String::with_capacity(bare.len()), |mut sent, byte| {
        if byte.is_ascii() {
            sent.push(char::from(byte))
        } else {
            write!(sent, "%{byte:02X}").expect("writing to a string cannot fail")
        }
        sent
    })
}

/// Names one callback: repeats of it carry the same idempotency token, as Twilio's do.
fn signed_key(form: &[(String, String)]) -> String {
    form.iter().map(|(key, value)| format!("{key}={value}&")).collect()
}

/// The parameters every request about a call carries.
pub fn call_form(call: &Call) -> Form {
    let mut form = Form::new();
    let order = &call.order;
    put(&mut form, "CallSid", &call.id);
    put(&mut form, "AccountSid", &order.account);
    for (party, number) in [("From", &order.from), ("Caller", &order.from), ("To", &order.to), ("Called", &order.to)] {
        put(&mut form, party, number);
        for part in ["City", "State", "Zip"] {
            put(&mut form, &format!("{party}{part}"), "");
        }
        put(&mut form, &format!("{party}Country"), numbers::country(number));
    }
    put(&mut form, "CallStatus", call.status.word());
    put(&mut form, "ApiVersion", "2010-04-01");
    put(&mut form, "Direction", direction(order.direction));
    if let Some(verdict) = verdict(call) {
        put(&mut form, "AnsweredBy", verdict);
    }
    form
}

/// What only the last status callback carries.
fn put_end(form: &mut Form, call: &Call, public_url: &str) {
    let seconds = call.duration.unwrap_or_default();
    put(form, "CallDuration", seconds.to_string());
    put(form, "Duration", seconds.div_ceil(60).to_string());
    put(form, "SipResponseCode", call.sip.unwrap_or_default().to_string());
    if let Some(recording) = &call.recording_id {
        put(form, "RecordingUrl", recording_url(public_url, &call.order.account, recording));
        put(form, "RecordingSid", recording);
        put(form, "RecordingDuration", seconds.to_string());
    }
}

fn recording_url(public_url: &str, account: &str, recording: &str) -> String {
    format!("{public_url}/2010-04-01/Accounts/{account}/Recordings/{recording}")
}

fn put(form: &mut Form, key: &str, value: impl Into<String>) {
    form.push((key.to_owned(), value.into()));
}
