//! The life of one call, from the queue to the bill: waiting, ringing, obeying TwiML, being hung up.
//! All waits are virtual seconds. What it tells the outside goes through `callbacks`.

use std::sync::Arc;

use tokio::{sync::mpsc, time::Instant};

use crate::{
    callbacks::{self, Outbox},
    callee::{Callee, Pickup, Press},
    faults::FaultKind,
    network::{Direction, Network, Order, Status},
    twiml::{self, Gather, Verb},
};

const QUEUE_SECONDS: f64 = 0.3;
const CONNECT_SECONDS: f64 = 0.9;
/// What Twilio adds to the ring time asked for.
const RING_BUFFER_SECONDS: f64 = 2.0;
/// When the detector knows what answered.
const VERDICT_SECONDS: f64 = 3.5;
/// When the price is known, after the end.
const BILL_SECONDS: f64 = 20.0;
/// A person needs a moment to press a key.
const PRESS_SECONDS: f64 = 0.5;
/// Verbs and documents of one call.
const STEPS_MAX: usize = 200;
/// Cents have no meaning here; Twilio's list price for the US, in 1/100,000 of a dollar per begun minute.
const PRICE_PER_MINUTE: u64 = 1_400;
/// What people hear when the customer's server fails.
const APPLICATION_ERROR: &str = "<Response><Say>We are sorry, an application error has occurred. Goodbye.</Say></Response>";
/// Rounding of virtual seconds.
const EPSILON: f64 = 1e-6;

/// What a caller may order while the call is on.
#[derive(Debug)]
pub enum Command {
    /// `Status=completed`: end it, whatever it is doing.
    HangUp,
    /// `Status=canceled`: end it unless somebody has answered.
    Cancel,
    Redirect(Source),
}

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

/// What ends a wait early.
enum Interrupt {
    HungUp,
    Redirect(Source),
    /// The time limit, or the callee put the phone down.
    Over,
}

enum Next {
    Document(Source),
    HangUp,
}

/// One call under way.
pub struct Line {
    network: Arc<Network>,
    sid: String,
    order: Arc<Order>,
    callee: Callee,
    commands: mpsc::Receiver<Command>,
    outbox: Outbox,
    /// Virtual seconds since the last milestone: creation, then pick-up.
    elapsed: f64,
    limit: f64,
    answered: bool,
    press: Option<Press>,
    verdict_at: Option<f64>,
    redirect: Option<Source>,
    steps: usize,
}

impl Line {
    pub fn new(network: Arc<Network>, sid: &str, commands: mpsc::Receiver<Command>) -> Option<Self> {
        let (order, callee) = network.with_call(sid, |call| (Arc::clone(&call.order), call.callee.clone()))?;
        let outbox = Outbox::open(Arc::clone(&network), sid, Arc::clone(&order), callee.quirks);
        Some(Self {
            press: callee.press,
            network,
            sid: sid.to_owned(),
            order,
            callee,
            commands,
            outbox,
            elapsed: 0.0,
            limit: f64::INFINITY,
            answered: false,
            verdict_at: None,
            redirect: None,
            steps: 0,
        })
    }

    pub async fn run(mut self) {
        let reached = match self.order.direction {
            Direction::Outbound => self.reach().await,
            Direction::Inbound => {
                self.arrive().await;
                Ok(())
            }
        };
        let (status, sip) = match reached {
            Ok(()) => {
                self.talk().await;
                (Status::Completed, 200)
            }
            Err(end) => end,
        };
        self.finish(status, sip).await;
    }

    /// Dials and rings. An error is an end without an answer.
    async fn reach(&mut self) -> Result<(), (Status, u16)> {
        const CANCELED: (Status, u16) = (Status::Canceled, 487);
        self.pass(QUEUE_SECONDS).await.map_err(|_| CANCELED)?;
        self.progress(Status::Initiated, "initiated").await;
        self.pass(CONNECT_SECONDS).await.map_err(|_| CANCELED)?;
        let (ring, end) = match self.callee.pickup {
            Pickup::Failed { sip } => return Err((Status::Failed, sip)),
            Pickup::Busy { ring } => (ring, Some((Status::Busy, 486))),
            Pickup::NoAnswer => (f64::INFINITY, None),
            Pickup::Human { ring, .. } | Pickup::Machine { ring, .. } => (ring, None),
        };
        self.progress(Status::Ringing, "ringing").await;
        let patience = self.order.ring_seconds_max + RING_BUFFER_SECONDS;
        self.pass(ring.min(patience)).await.map_err(|_| CANCELED)?;
        if ring > patience {
            return Err((Status::NoAnswer, 487));
        }
        match end {
            Some(end) => Err(end),
            None => Ok(()),
        }
    }

    /// Somebody calls the customer: its voice URL says what happens, and answering is part of that. A document that
    /// cannot be had is answered all the same, with the sentence that a real network says then.
    async fn arrive(&mut self) {
        self.network.advance(&self.sid, Status::Initiated);
        self.network.advance(&self.sid, Status::Ringing);
        let Source::Fetch { url, .. } = self.order.script.clone() else { return };
        let mut document = self.load(self.order.script.clone()).await;
        if self.network.strikes(FaultKind::Duplicate, &self.order.account, &self.order.to).is_some() {
            document = self.load(self.order.script.clone()).await;
        }
        let text = document.unwrap_or_else(|why| {
            tracing::info!(call = self.sid, %why, "the voice URL did not answer");
            APPLICATION_ERROR.to_owned()
        });
        self.redirect = Some(Source::Fetched { url, text });
    }

    async fn talk(&mut self) {
        self.answered = true;
        self.elapsed = 0.0;
        let leaves = match self.callee.pickup {
            Pickup::Human { leaves, .. } => leaves,
            Pickup::Machine { records, .. } => Some(records),
            _ => None,
        };
        self.limit = self.order.talk_seconds_max.min(leaves.unwrap_or(f64::INFINITY));
        if self.order.detection.is_some() && !self.callee.quirks.late_detection {
            self.verdict_at = Some(VERDICT_SECONDS);
        }
        self.progress(Status::InProgress, "answered").await;
        let waits_for_verdict = self.order.detection.as_ref().is_some_and(|detection| !detection.background);
        if waits_for_verdict && self.pass(VERDICT_SECONDS + PRESS_SECONDS).await.is_err() {
            return;
        }
        let mut source = self.redirect.take().unwrap_or_else(|| self.order.script.clone());
        loop {
            match self.perform(source).await {
                Ok(Next::Document(next)) | Err(Interrupt::Redirect(next)) => source = next,
                Ok(Next::HangUp) | Err(Interrupt::HungUp | Interrupt::Over) => return,
            }
        }
    }

    /// Obeys one document.
    async fn perform(&mut self, source: Source) -> Result<Next, Interrupt> {
        let base = match &source {
            Source::Fetch { url, .. } | Source::Fetched { url, .. } => url::Url::parse(url).ok(),
            Source::Inline(_) => None,
        };
        let verbs = match self.load(source).await.and_then(|text| twiml::parse(&text)) {
            Ok(verbs) => verbs,
            Err(why) => {
                // A real network says "an application error has occurred" and hangs up.
                tracing::info!(call = self.sid, %why, "the document is no good");
                return Ok(Next::HangUp);
            }
        };
        for (at, verb) in verbs.iter().enumerate() {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Ok(Next::HangUp);
            }
            let next = match verb {
                Verb::Sound(seconds) => {
                    self.pass(*seconds).await?;
                    continue;
                }
                Verb::Hangup => return Ok(Next::HangUp),
                Verb::Redirect { url, method } => Some((url.clone(), method.clone(), Vec::new())),
                Verb::Gather(gather) => self.gather(gather, &verbs[at + 1..]).await?,
            };
            let Some((url, method, more)) = next else { continue };
            let absolute = match &base {
                Some(base) => base.join(&url).map(String::from),
                None => url::Url::parse(&url).map(|_| url),
            };
            return Ok(absolute.map_or(Next::HangUp, |url| Next::Document(Source::Fetch { url, method, more })));
        }
        Ok(Next::HangUp)
    }

    /// Plays the prompts and waits for a key. A person who talks keeps the line until the conversation is over: the
    /// agent we stand in for would go on listening, where bare TwiML would give up after `timeout`.
    async fn gather(
        &mut self,
        gather: &Gather,
        after: &[Verb],
    ) -> Result<Option<(String, String, Vec<(String, String)>)>, Interrupt> {
        let mut digits = None;
        for prompt in &gather.prompts {
            digits = self.listen(*prompt).await?;
            if digits.is_some() {
                break;
            }
        }
        if digits.is_none() {
            let talk = if let Pickup::Human { talk, .. } = self.callee.pickup { talk } else { 0.0 };
            let closing: f64 = after.iter().map(|verb| if let Verb::Sound(seconds) = verb { *seconds } else { 0.0 }).sum();
            digits = self.listen(gather.timeout.max(talk - self.elapsed - closing)).await?;
        }
        if digits.is_none() && !gather.on_empty {
            return Ok(None);
        }
        let Some(action) = gather.action.clone() else { return Ok(None) };
        let digits = digits.map(String::from).unwrap_or_default();
        let more = vec![("Digits".to_owned(), digits), ("msg".to_owned(), "Gather End".to_owned())];
        Ok(Some((action, gather.method.clone(), more)))
    }

    /// Waits while a key may be pressed.
    async fn listen(&mut self, seconds: f64) -> Result<Option<char>, Interrupt> {
        let Some(press) = self.press else {
            self.pass(seconds).await?;
            return Ok(None);
        };
        let wait = (press.after - self.elapsed).max(PRESS_SECONDS);
        if wait > seconds {
            self.pass(seconds).await?;
            return Ok(None);
        }
        self.pass(wait).await?;
        self.press = None;
        Ok(Some(press.digit))
    }

    async fn load(&self, source: Source) -> anyhow::Result<String> {
        match source {
            Source::Inline(text) | Source::Fetched { text, .. } => Ok(text),
            Source::Fetch { url, method, more } => callbacks::fetch_document(&self.network, &self.sid, &url, &method, more).await,
        }
    }

    /// Lets time pass, up to the call's limit, and hears orders and the detector meanwhile.
    async fn pass(&mut self, seconds: f64) -> Result<(), Interrupt> {
        let end = self.elapsed + seconds;
        loop {
            let stop = end.min(self.limit).min(self.verdict_at.unwrap_or(f64::INFINITY));
            match self.wait(stop).await {
                // Nobody to obey a document yet: it replaces the one that waits.
                Err(Interrupt::Redirect(source)) if !self.answered => self.redirect = Some(source),
                Err(interrupt) => return Err(interrupt),
                Ok(()) => {}
            }
            if self.verdict_at.is_some_and(|at| self.elapsed + EPSILON >= at) {
                self.verdict_at = None;
                self.detected().await;
            }
            if self.elapsed + EPSILON >= self.limit {
                return Err(Interrupt::Over);
            }
            if self.elapsed + EPSILON >= end {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self, until: f64) -> Result<(), Interrupt> {
        let seconds = (until - self.elapsed).max(0.0);
        let started = Instant::now();
        let command = tokio::select! {
            biased;
            command = self.commands.recv() => command,
            () = self.network.pace.sleep(seconds) => {
                self.elapsed += seconds;
                return Ok(());
            }
        };
        self.elapsed += self.network.pace.elapsed(started).min(seconds);
        match command {
            Some(Command::Redirect(source)) => Err(Interrupt::Redirect(source)),
            Some(Command::Cancel) if self.answered => Ok(()),
            // Without a sender the call was forgotten.
            Some(Command::Cancel | Command::HangUp) | None => Err(Interrupt::HungUp),
        }
    }

    async fn progress(&mut self, status: Status, event: &'static str) {
        self.network.advance(&self.sid, status);
        self.outbox.status(event).await;
    }

    async fn detected(&mut self) {
        let Some(detection) = &self.order.detection else { return };
        let verdict = match self.callee.pickup {
            Pickup::Machine { .. } if detection.message_end => "machine_end_beep",
            Pickup::Machine { .. } => "machine_start",
            _ => "human",
        };
        self.network.with_call(&self.sid, |call| call.answered_by = Some(verdict));
        if detection.background {
            self.outbox.detection(verdict, VERDICT_SECONDS).await;
        }
    }

    async fn finish(mut self, status: Status, sip: u16) {
        let seconds = if self.answered { (self.elapsed.round() as u64).max(1) } else { 0 };
        let recorded = self.answered && self.order.recording.is_some();
        let recording_sid = recorded.then(|| self.network.new_sid("RE", &self.sid));
        self.network.with_call(&self.sid, |call| {
            call.duration = Some(seconds);
            call.sip = Some(sip);
            call.recording_sid = recording_sid;
        });
        self.progress(status, "completed").await;
        self.outbox.recording().await;
        if self.answered && self.callee.quirks.late_detection {
            self.detected().await;
        }
        // Closing the outbox lets a held-back callback go.
        let Self { network, sid, outbox, answered, .. } = self;
        drop(outbox);
        if answered {
            network.pace.sleep(BILL_SECONDS).await;
            let price = seconds.div_ceil(60) * PRICE_PER_MINUTE;
            network.with_call(&sid, |call| call.price = Some(format!("-{}.{:05}", price / 100_000, price % 100_000)));
        }
    }
}
