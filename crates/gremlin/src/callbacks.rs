//! What the network posts to its customers: call progress, verdicts, recordings, and requests for documents.
//! Signed with the account's token. Twilio repeats a callback once when it cannot connect, and never for a 5xx.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use tokio::sync::mpsc;
use url::form_urlencoded;

use crate::{
    callee::Quirks,
    clock,
    faults::FaultKind,
    network::{Call, Delivery, Hook, Network, Order},
    numbers,
    sign::signature,
};

/// Callbacks of one call that wait to be sent; a call has fewer.
const WAITING_MAX: usize = 32;
/// The largest document we read.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
const UNKNOWN_STATUS: &str = "hyperspace";

type Form = Vec<(String, String)>;

/// One callback, ready but for faults and signature.
struct Outgoing {
    hook: Hook,
    form: Form,
    event: String,
}

/// The callbacks of one call, sent in order by a task of their own, so that a slow listener does not hold up the call.
pub struct Outbox {
    network: Arc<Network>,
    sid: String,
    order: Arc<Order>,
    queue: mpsc::Sender<Outgoing>,
    sequence: u32,
}

impl Outbox {
    pub fn open(network: Arc<Network>, sid: &str, order: Arc<Order>, quirks: Quirks) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let postman = Postman { network: Arc::clone(&network), sid: sid.to_owned(), order: Arc::clone(&order), quirks };
        network.tasks.spawn(network.stop.clone().run_until_cancelled_owned(postman.run(waiting)));
        Self { network, sid: sid.to_owned(), order, queue, sequence: 0 }
    }

    /// Tells of progress, if this event was asked for.
    pub async fn status(&mut self, event: &'static str) {
        let Some(hook) = &self.order.status_callback else { return };
        if !self.order.events.iter().any(|wanted| wanted == event) {
            return;
        }
        let Some(mut form) = self.network.with_call(&self.sid, |call| call_form(call)) else { return };
        put(&mut form, "Timestamp", clock::rfc2822(clock::now()));
        put(&mut form, "CallbackSource", "call-progress-events");
        put(&mut form, "SequenceNumber", self.sequence.to_string());
        self.sequence += 1;
        if event == "completed" {
            let base = &self.network.public_url;
            self.network.with_call(&self.sid, |call| put_end(&mut form, call, base));
        }
        self.post(hook.clone(), form, event).await;
    }

    /// The detector's verdict.
    pub async fn detection(&self, verdict: &str, after_seconds: f64) {
        let Some(hook) = self.order.detection.as_ref().and_then(|detection| detection.callback.clone()) else { return };
        let mut form = Form::new();
        put(&mut form, "CallSid", &self.sid);
        put(&mut form, "AccountSid", &self.order.account);
        put(&mut form, "AnsweredBy", verdict);
        put(&mut form, "MachineDetectionDuration", format!("{:.0}", after_seconds * 1000.0));
        self.post(hook, form, "detection").await;
    }

    /// The recording is ready, or there is none.
    pub async fn recording(&self) {
        let Some(recording) = &self.order.recording else { return };
        let Some(hook) = &recording.callback else { return };
        let made = self
            .network
            .with_call(&self.sid, |call| (call.recording_sid.clone(), call.duration, call.started_at))
            .unwrap_or_default();
        let status = if made.0.is_some() { "completed" } else { "absent" };
        if !recording.events.iter().any(|wanted| wanted == status) {
            return;
        }
        let recording_sid = made.0.unwrap_or_else(|| self.network.new_sid("RE", &self.sid));
        let mut form = Form::new();
        put(&mut form, "AccountSid", &self.order.account);
        put(&mut form, "CallSid", &self.sid);
        put(&mut form, "RecordingUrl", recording_url(&self.network.public_url, &self.order.account, &recording_sid));
        put(&mut form, "RecordingSid", recording_sid);
        put(&mut form, "RecordingStatus", status);
        put(&mut form, "RecordingDuration", made.1.unwrap_or_default().to_string());
        put(&mut form, "RecordingChannels", recording.channels.to_string());
        put(&mut form, "RecordingStartTime", made.2.map(clock::rfc2822).unwrap_or_default());
        put(&mut form, "RecordingSource", "OutboundAPI");
        put(&mut form, "RecordingTrack", "both");
        self.post(hook.clone(), form, "recording").await;
    }

    async fn post(&self, hook: Hook, form: Form, event: &str) {
        // The postman ends only when the whole network stops.
        self.queue.send(Outgoing { hook, form, event: event.to_owned() }).await.ok();
    }
}

/// Sends the callbacks of one call, with whatever goes wrong.
#[derive(Clone)]
struct Postman {
    network: Arc<Network>,
    sid: String,
    order: Arc<Order>,
    quirks: Quirks,
}

impl Postman {
    async fn run(self, mut waiting: mpsc::Receiver<Outgoing>) {
        let mut held: Option<Outgoing> = None;
        while let Some(outgoing) = waiting.recv().await {
            if self.quirks.lose_callbacks || self.strikes(FaultKind::Drop).is_some() {
                self.note(&outgoing.event, None, "lost");
            } else if held.is_none() && (self.quirks.messy_callbacks || self.strikes(FaultKind::Reorder).is_some()) {
                held = Some(outgoing);
            } else {
                self.send(outgoing).await;
                if let Some(late) = held.take() {
                    self.send(late).await;
                }
            }
        }
        if let Some(late) = held {
            self.send(late).await;
        }
    }

    fn strikes(&self, kind: FaultKind) -> Option<u64> {
        self.network.strikes(kind, &self.order.account, &self.order.to)
    }

    fn note(&self, event: &str, status: Option<u16>, note: &str) {
        let note = (!note.is_empty()).then(|| note.to_owned());
        self.network.delivered(&self.sid, Delivery { event: event.to_owned(), at: clock::now(), status, note });
    }

    async fn send(&self, mut outgoing: Outgoing) {
        if let Some((_, word)) = outgoing.form.iter_mut().find(|(key, _)| key == "CallStatus")
            && self.strikes(FaultKind::UnknownStatus).is_some()
        {
            *word = UNKNOWN_STATUS.to_owned();
        }
        let twice = self.quirks.messy_callbacks || self.strikes(FaultKind::Duplicate).is_some();
        if let Some(delay_ms) = self.strikes(FaultKind::DelayMs) {
            let postman = self.clone();
            let late = async move {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                postman.deliver(&outgoing, twice).await;
            };
            self.network.tasks.spawn(self.network.stop.clone().run_until_cancelled_owned(late));
            return;
        }
        self.deliver(&outgoing, twice).await;
    }

    async fn deliver(&self, outgoing: &Outgoing, twice: bool) {
        for _ in 0..=usize::from(twice) {
            let forged = self.strikes(FaultKind::BadSignature).is_some();
            let Hook { url, method } = &outgoing.hook;
            let send = || request(&self.network, &self.order.account, url, method, &outgoing.form, forged).send();
            let answer = match send().await {
                Err(error) if error.is_connect() => send().await,
                other => other,
            };
            match answer {
                Ok(response) => self.note(&outgoing.event, Some(response.status().as_u16()), if forged { "forged" } else { "" }),
                Err(error) => self.note(&outgoing.event, None, &error.without_url().to_string()),
            }
        }
    }
}

/// Asks the customer for the next document.
pub async fn fetch_document(network: &Network, sid: &str, url: &str, method: &str, more: Form) -> anyhow::Result<String> {
    let (account, mut form) =
        network.with_call(sid, |call| (call.order.account.clone(), call_form(call))).context("the call is gone")?;
    form.extend(more);
    let mut response = request(network, &account, url, method, &form, false).send().await?;
    let status = response.status();
    network.delivered(sid, Delivery { event: "document".into(), at: clock::now(), status: Some(status.as_u16()), note: None });
    ensure!(status.is_success(), "the document request was answered {status}");
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(body.len() + chunk.len() <= DOCUMENT_BYTES_MAX, "the document is larger than {DOCUMENT_BYTES_MAX} bytes");
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(body)?)
}

fn request(network: &Network, account: &str, url: &str, method: &str, form: &Form, forged: bool) -> reqwest::RequestBuilder {
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
    request.header("x-twilio-signature", signed).header("i-twilio-idempotency-token", network.new_sid("IT", &signed_key(form)))
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
fn signed_key(form: &Form) -> String {
    form.iter().map(|(key, value)| format!("{key}={value}&")).collect()
}

/// The parameters every request about a call carries.
fn call_form(call: &Call) -> Form {
    let mut form = Form::new();
    let order = &call.order;
    put(&mut form, "CallSid", &call.sid);
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
    put(&mut form, "Direction", order.direction.word());
    if let Some(verdict) = call.answered_by {
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
    if let Some(recording) = &call.recording_sid {
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
