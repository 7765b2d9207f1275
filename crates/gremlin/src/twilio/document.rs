//! Obeying TwiML: fetching documents, saying, gathering keys, and what is asked when somebody calls in.

use anyhow::{Context, ensure};

use super::{
    terms,
    twiml::{self, Gather, Sound, Verb},
};
use crate::{
    call::{Delivery, Ending, Plan},
    callee::Pickup,
    clock,
    conversation::Who,
    faults::FaultKind,
    handset::Deed,
    life::{Interrupt, Line, PRESS_SECONDS, VERDICT_SECONDS},
    network::Network,
};

/// Verbs and documents of one call.
const STEPS_MAX: usize = 200;
/// The largest document we read.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// The largest sound we fetch.
const SOUND_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a document listens to a person at the control page, who may take their time over a key.
const PERSON_SECONDS: f64 = 60.0;
/// What people hear when the customer's server fails.
const APPLICATION_ERROR: &str = "<Response><Say>We are sorry, an application error has occurred. Goodbye.</Say></Response>";

/// Where the next document comes from.
#[derive(Debug, Clone)]
pub enum Source {
    Inline(String),
    Fetch {
        url: String,
        method: String,
        more: Vec<(String, String)>,
    },
    /// A document that was fetched before it was needed; addresses in it are relative to where it came from.
    Fetched {
        url: String,
        text: String,
    },
}

/// What a gathering got.
enum Input {
    Key(char),
    Speech(String),
}

/// What a gathering led to.
enum Heard {
    Nothing,
    /// Another document: its address, method and what was heard.
    Go(String, String, Vec<(String, String)>),
    /// A prompt could not be played.
    Broken,
}

enum Next {
    Document(Source),
    HangUp,
}

impl Line {
    /// Somebody calls the customer: its voice URL says what happens, and answering is part of that. A document that
    /// cannot be had is answered all the same, with the sentence that a real network says then.
    pub async fn arrive(&mut self) -> Option<Source> {
        let Plan::Document(Source::Fetch { url, method, .. }) = &self.order.plan else { return None };
        let source = || Source::Fetch { url: url.clone(), method: method.clone(), more: Vec::new() };
        let mut document = self.load(source()).await;
        if self.network.strikes(FaultKind::Duplicate, &self.order.account, &self.order.to).is_some() {
            document = self.load(source()).await;
        }
        let text = document.unwrap_or_else(|why| {
            tracing::info!(call = self.id, %why, "the voice URL did not answer");
            APPLICATION_ERROR.to_owned()
        });
        Some(Source::Fetched { url: url.clone(), text })
    }

    /// One document after another, from the first.
    pub async fn obey(&mut self, first: Source) -> Result<Ending, Interrupt> {
        let waits = self.order.terms::<terms::Terms>().and_then(|terms| terms.detection.as_ref()).is_some_and(|d| !d.background);
        if waits {
            self.pass(VERDICT_SECONDS + PRESS_SECONDS).await?;
        }
        let (mut source, mut steps) = (first, 0);
        loop {
            match self.perform(source, &mut steps).await {
                Ok(Next::Document(next)) | Err(Interrupt::Redirect(next)) => source = next,
                Ok(Next::HangUp) => return Ok(Ending::Agent),
                Err(interrupt) => return Err(interrupt),
            }
        }
    }

    /// Obeys one document.
    async fn perform(&mut self, source: Source, steps: &mut usize) -> Result<Next, Interrupt> {
        let base = match &source {
            Source::Fetch { url, .. } | Source::Fetched { url, .. } => url::Url::parse(url).ok(),
            Source::Inline(_) => None,
        };
        let verbs = match self.load(source).await.and_then(|text| twiml::parse(&text)) {
            Ok(verbs) => verbs,
            Err(why) => {
                // A real network says "an application error has occurred" and hangs up.
                tracing::info!(call = self.id, %why, "the document is no good");
                return Ok(Next::HangUp);
            }
        };
        for (at, verb) in verbs.iter().enumerate() {
            *steps += 1;
            if *steps > STEPS_MAX {
                return Ok(Next::HangUp);
            }
            let next = match verb {
                Verb::Sound(sound) => {
                    if !self.begin(sound, base.as_ref()).await {
                        return Ok(Next::HangUp);
                    }
                    self.pass(sound.seconds).await?;
                    continue;
                }
                Verb::Hangup => return Ok(Next::HangUp),
                Verb::Redirect { url, method } => Some((url.clone(), method.clone(), Vec::new())),
                Verb::Gather(gather) => match self.gather(gather, base.as_ref(), &verbs[at + 1..]).await? {
                    Heard::Nothing => None,
                    Heard::Go(url, method, more) => Some((url, method, more)),
                    Heard::Broken => return Ok(Next::HangUp),
                },
            };
            let Some((url, method, more)) = next else { continue };
            let absolute = absolute(base.as_ref(), &url);
            return Ok(absolute.map_or(Next::HangUp, |url| Next::Document(Source::Fetch { url, method, more })));
        }
        Ok(Next::HangUp)
    }

    /// Begins to say or play something: false when it is not to be had. No document says what a real network does then, so we
    /// do the worst that is told of: say that there was an error, and hang up.
    async fn begin(&self, sound: &Sound, base: Option<&url::Url>) -> bool {
        if let Some(url) = &sound.url {
            let (status, problem) = match absolute(base, url) {
                Some(url) => fetch_sound(&self.network, &url).await,
                None => (None, Some("not an address".to_owned())),
            };
            let is_fine = problem.is_none();
            self.network.delivered(&self.id, Delivery { event: "play".into(), at: clock::now(), status, note: problem });
            if !is_fine {
                return false;
            }
        }
        self.note(Who::Agent, &sound.text, sound.seconds);
        true
    }

    /// Plays the prompts and waits for a key. A person who talks keeps the line until the conversation is over: the
    /// agent we stand in for would go on listening, where bare TwiML would give up after `timeout`.
    async fn gather(&mut self, gather: &Gather, base: Option<&url::Url>, after: &[Verb]) -> Result<Heard, Interrupt> {
        let mut input = None;
        for prompt in &gather.prompts {
            if !self.begin(prompt, base).await {
                return Ok(Heard::Broken);
            }
            input = self.input(gather, prompt.seconds).await?;
            if input.is_some() {
                break;
            }
        }
        if input.is_none() {
            let talk = match self.callee.pickup {
                Pickup::Human { talk, .. } => talk - self.elapsed,
                Pickup::Person => PERSON_SECONDS,
                _ => 0.0,
            };
            let closing: f64 = after.iter().map(|verb| if let Verb::Sound(sound) = verb { sound.seconds } else { 0.0 }).sum();
            input = self.input(gather, gather.timeout.max(talk - closing)).await?;
        }
        if input.is_none() && !gather.on_empty {
            return Ok(Heard::Nothing);
        }
        let Some(action) = gather.action.clone() else { return Ok(Heard::Nothing) };
        let mut more = vec![("msg".to_owned(), "Gather End".to_owned())];
        match input {
            Some(Input::Speech(text)) => {
                more.push(("SpeechResult".to_owned(), text));
                more.push(("Confidence".to_owned(), "0.9".to_owned()));
            }
            Some(Input::Key(key)) => more.push(("Digits".to_owned(), key.to_string())),
            None => more.push(("Digits".to_owned(), String::new())),
        }
        Ok(Heard::Go(action, gather.method.clone(), more))
    }

    /// Waits for what this gathering listens to.
    async fn input(&mut self, gather: &Gather, seconds: f64) -> Result<Option<Input>, Interrupt> {
        if !self.is_held() {
            return Ok(self.listen(seconds).await?.map(Input::Key));
        }
        let end = self.elapsed + seconds;
        loop {
            match self.heed(end - self.elapsed).await? {
                Some(Deed::Press { key }) if gather.hears_keys => return Ok(Some(Input::Key(key))),
                Some(Deed::Say { text }) if gather.hears_speech => return Ok(Some(Input::Speech(text))),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    async fn load(&self, source: Source) -> anyhow::Result<String> {
        match source {
            Source::Inline(text) | Source::Fetched { text, .. } => Ok(text),
            Source::Fetch { url, method, more } => fetch(&self.network, &self.id, &url, &method, more).await,
        }
    }
}

/// An address in a document, relative to where that came from.
fn absolute(base: Option<&url::Url>, url: &str) -> Option<String> {
    match base {
        Some(base) => base.join(url).map(String::from).ok(),
        None => url::Url::parse(url).map(|_| url.to_owned()).ok(),
    }
}

/// Fetches what is to be played: the status, and why it is no good.
async fn fetch_sound(network: &Network, url: &str) -> (Option<u16>, Option<String>) {
    let mut response = match network.client.get(url).header("user-agent", "TwilioProxy/1.1 (gremlin)").send().await {
        Ok(response) => response,
        Err(error) => return (None, Some(error.without_url().to_string())),
    };
    let status = Some(response.status().as_u16());
    if response.status() != reqwest::StatusCode::OK {
        return (status, Some("the sound is not to be had".to_owned()));
    }
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("audio/") {
        return (status, Some(format!("{kind:?} is no sound")));
    }
    let mut bytes = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes + chunk.len() <= SOUND_BYTES_MAX => bytes += chunk.len(),
            Ok(None) if bytes > 0 => return (status, None),
            Ok(None) => return (status, Some("the sound is empty".to_owned())),
            Ok(Some(_)) => return (status, Some(format!("the sound is larger than {SOUND_BYTES_MAX} bytes"))),
            Err(error) => return (status, Some(error.without_url().to_string())),
        }
    }
}

/// Asks the customer for the next document.
async fn fetch(network: &Network, id: &str, url: &str, method: &str, more: Vec<(String, String)>) -> anyhow::Result<String> {
    let (account, mut form) =
        network.with_call(id, |call| (call.order.account.clone(), terms::call_form(call))).context("the call is gone")?;
    form.extend(more);
    let mut response = terms::request(network, &account, url, method, &form, false).send().await?;
    let status = response.status();
    network.delivered(id, Delivery { event: "document".into(), at: clock::now(), status: Some(status.as_u16()), note: None });
    ensure!(status.is_success(), "the document request was answered {status}");
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(body.len() + chunk.len() <= DOCUMENT_BYTES_MAX, "the document is larger than {DOCUMENT_BYTES_MAX} bytes");
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(body)?)
}
