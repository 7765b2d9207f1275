//! The life of one call, from the queue to the bill: waiting, ringing, talking, being hung up. All waits are virtual seconds.
//! What is obeyed once somebody has picked up is `conversation` or, for Twilio, `twilio::document`; what the outside is told
//! goes through `callbacks`.

use std::sync::Arc;

use tokio::{sync::mpsc, time::Instant};

use crate::{
    call::{Direction, Ending, Order, Plan, Status, Verdict},
    callbacks::Outbox,
    callee::{Callee, Pickup, Press},
    chance::Dice,
    clock::Pace,
    conversation::{Brief, Conversation},
    faults::FaultKind,
    handset::Deed,
    network::Network,
    speaker::Moment,
    twilio::document::Source,
};

const QUEUE_SECONDS: f64 = 0.3;
const CONNECT_SECONDS: f64 = 0.9;
/// What the network adds to the ring time asked for.
pub const RING_BUFFER_SECONDS: f64 = 2.0;
/// When the detector knows what answered.
pub const VERDICT_SECONDS: f64 = 3.5;
/// A person needs a moment to press a key.
pub const PRESS_SECONDS: f64 = 0.5;
/// How long a call that is stuck waits before it waits on.
const STUCK_SECONDS: f64 = 86_400.0;
/// When a price that is late is known, after the end.
const LATE_COST_SECONDS: f64 = 60.0;
/// Rounding of virtual seconds.
const EPSILON: f64 = 1e-6;

/// What a caller may order while the call is on.
#[derive(Debug)]
pub enum Command {
    /// End it, whatever it is doing.
    HangUp,
    /// End it unless somebody has answered.
    Cancel,
    /// Obey another document.
    Redirect(Source),
    /// Somebody at the control page holds the call, and does this.
    Person(Deed),
}

/// An end without an answer, with its SIP code.
pub type End = (Status, Ending, u16);

/// What ends a wait early.
pub enum Interrupt {
    HungUp,
    Redirect(Source),
    /// The person who holds the call put the phone down.
    Left,
    /// The time limit, or the callee put the phone down.
    Over,
}

/// One call under way.
pub struct Line {
    pub network: Arc<Network>,
    pub id: String,
    pub order: Arc<Order>,
    pub callee: Callee,
    commands: mpsc::Receiver<Command>,
    outbox: Outbox,
    pace: Pace,
    /// Virtual seconds since the last milestone: creation, then pick-up.
    pub elapsed: f64,
    limit: f64,
    limited_by: Ending,
    answered: bool,
    pub press: Option<Press>,
    verdict_at: Option<f64>,
    redirect: Option<Source>,
}

impl Line {
    pub fn new(network: Arc<Network>, id: &str, commands: mpsc::Receiver<Command>) -> Option<Self> {
        let (order, callee) = network.with_call(id, |call| (Arc::clone(&call.order), call.callee.clone()))?;
        let outbox = Outbox::open(Arc::clone(&network), id, Arc::clone(&order), callee.quirks);
        Some(Self {
            press: callee.press,
            pace: if callee.pickup == Pickup::Person { network.person_pace() } else { network.pace },
            network,
            id: id.to_owned(),
            order,
            callee,
            commands,
            outbox,
            elapsed: 0.0,
            limit: f64::INFINITY,
            limited_by: Ending::Limit,
            answered: false,
            verdict_at: None,
            redirect: None,
        })
    }

    pub async fn run(mut self) {
        let reached = match self.order.direction {
            Direction::Outbound => self.reach().await,
            Direction::Inbound => {
                self.network.advance(&self.id, Status::Initiated);
                self.network.advance(&self.id, Status::Ringing);
                self.redirect = self.arrive().await;
                Ok(())
            }
        };
        let (status, ending, sip) = match reached {
            Ok(()) => (Status::Completed, self.talk().await, 200),
            Err(end) => end,
        };
        self.finish(status, ending, sip).await;
    }

    /// Dials and rings.
    async fn reach(&mut self) -> Result<(), End> {
        const CANCELED: End = (Status::Canceled, Ending::Order, 487);
        self.pass(QUEUE_SECONDS).await.map_err(|_| CANCELED)?;
        self.progress(Status::Initiated, Moment::Initiated).await;
        self.pass(CONNECT_SECONDS).await.map_err(|_| CANCELED)?;
        let (ring, end) = match self.callee.pickup {
            Pickup::Failed { sip } => return Err((Status::Failed, Ending::Unreachable, sip)),
            Pickup::Busy { ring } => (ring, Some((Status::Busy, Ending::Busy, 486))),
            Pickup::Person => return self.ring_for_a_person().await,
            Pickup::NoAnswer => (f64::INFINITY, None),
            Pickup::Human { ring, .. } | Pickup::Machine { ring, .. } => (ring, None),
        };
        self.progress(Status::Ringing, Moment::Ringing).await;
        let patience = self.order.ring_seconds_max + RING_BUFFER_SECONDS;
        self.pass(ring.min(patience)).await.map_err(|_| CANCELED)?;
        if ring > patience {
            return Err((Status::NoAnswer, Ending::NoAnswer, 487));
        }
        match end {
            Some(end) => Err(end),
            None => Ok(()),
        }
    }

    async fn talk(&mut self) -> Ending {
        self.answered = true;
        self.elapsed = 0.0;
        let leaves = match self.callee.pickup {
            Pickup::Human { leaves, .. } => leaves,
            Pickup::Machine { records, .. } => Some(records),
            _ => None,
        };
        (self.limit, self.limited_by) = match leaves {
            Some(seconds) if seconds < self.order.talk_seconds_max => (seconds, Ending::Callee),
            _ => (self.order.talk_seconds_max, Ending::Limit),
        };
        if self.order.detects && !self.callee.quirks.late_detection {
            self.verdict_at = Some(VERDICT_SECONDS);
        }
        self.progress(Status::InProgress, Moment::Answered).await;
        if self.network.strikes(FaultKind::Stuck, &self.order.account, &self.order.to).is_some() {
            self.limit = f64::INFINITY;
            // Until somebody hangs it up.
            loop {
                match self.pass(STUCK_SECONDS).await {
                    Ok(()) => {}
                    Err(Interrupt::Left) => return Ending::Callee,
                    Err(_) => return Ending::Order,
                }
            }
        }
        let order = Arc::clone(&self.order);
        let talked = match &order.plan {
            Plan::Document(source) => {
                let first = self.redirect.take().unwrap_or_else(|| source.clone());
                self.obey(first).await
            }
            Plan::Converse(brief) if self.is_held() => self.speak(brief).await,
            Plan::Converse(brief) => self.converse(brief).await,
        };
        match talked {
            Ok(ending) => ending,
            Err(Interrupt::Left) => Ending::Callee,
            Err(Interrupt::Over) => self.limited_by,
            Err(Interrupt::HungUp | Interrupt::Redirect(_)) => Ending::Order,
        }
    }

    /// Lets the conversation take its time.
    async fn converse(&mut self, brief: &Brief) -> Result<Ending, Interrupt> {
        let is_machine = matches!(self.callee.pickup, Pickup::Machine { .. });
        let detected = self.verdict_at.is_some();
        let mut dice = Dice::new(self.network.settings.seed, &["talk", &self.order.to, &brief.greeting]);
        let conversation = Conversation::hold(&mut dice, brief, &self.callee, detected);
        let seconds = conversation.seconds();
        self.network.with_call(&self.id, |call| call.conversation = Some(conversation));
        if is_machine && !detected {
            // An agent that takes a machine for a person waits for it to answer, until it cuts off.
            self.pass(f64::MAX).await?;
        }
        let needed = if is_machine && brief.voicemail.is_none() { VERDICT_SECONDS } else { seconds.max(VERDICT_SECONDS) };
        self.pass(if is_machine { needed } else { seconds }).await?;
        Ok(if is_machine { Ending::Machine } else { Ending::Agent })
    }

    /// Waits while a key may be pressed.
    pub async fn listen(&mut self, seconds: f64) -> Result<Option<char>, Interrupt> {
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

    /// Does a person at the control page hold this call?
    pub fn is_held(&self) -> bool {
        self.callee.pickup == Pickup::Person
    }

    /// Lets time pass, whatever a person does meanwhile.
    pub async fn pass(&mut self, seconds: f64) -> Result<(), Interrupt> {
        let end = self.elapsed + seconds;
        while self.heed(end - self.elapsed).await?.is_some() {}
        Ok(())
    }

    /// Lets time pass, up to the call's limit, and hears orders and the detector meanwhile. What a person does ends the wait.
    pub async fn heed(&mut self, seconds: f64) -> Result<Option<Deed>, Interrupt> {
        let end = self.elapsed + seconds;
        loop {
            let stop = end.min(self.limit).min(self.verdict_at.unwrap_or(f64::INFINITY));
            let mut done = None;
            match self.wait(stop).await {
                // Nobody to obey a document yet: it replaces the one that waits.
                Err(Interrupt::Redirect(source)) if !self.answered => self.redirect = Some(source),
                Err(Interrupt::Redirect(_)) if matches!(self.order.plan, Plan::Converse(_)) => {}
                Err(interrupt) => return Err(interrupt),
                Ok(deed) => {
                    self.note_deed(deed.as_ref());
                    done = deed;
                }
            }
            if self.verdict_at.is_some_and(|at| self.elapsed + EPSILON >= at) {
                self.verdict_at = None;
                self.detected().await;
            }
            if self.elapsed + EPSILON >= self.limit {
                return Err(Interrupt::Over);
            }
            if done.is_some() || self.elapsed + EPSILON >= end {
                return Ok(done);
            }
        }
    }

    async fn wait(&mut self, until: f64) -> Result<Option<Deed>, Interrupt> {
        let seconds = (until - self.elapsed).max(0.0);
        let started = Instant::now();
        let command = tokio::select! {
            biased;
            command = self.commands.recv() => command,
            () = self.pace.sleep(seconds) => {
                self.elapsed += seconds;
                return Ok(None);
            }
        };
        self.elapsed += self.pace.elapsed(started).min(seconds);
        match command {
            Some(Command::Redirect(source)) => Err(Interrupt::Redirect(source)),
            Some(Command::Person(Deed::HangUp)) => Err(Interrupt::Left),
            Some(Command::Person(deed)) => Ok(Some(deed)),
            Some(Command::Cancel) if self.answered => Ok(None),
            // Without a sender the call was forgotten.
            Some(Command::Cancel | Command::HangUp) | None => Err(Interrupt::HungUp),
        }
    }

    pub async fn progress(&mut self, status: Status, moment: Moment) {
        self.network.advance(&self.id, status);
        self.outbox.tell(moment).await;
    }

    async fn detected(&mut self) {
        if !self.order.detects {
            return;
        }
        let is_machine = matches!(self.callee.pickup, Pickup::Machine { .. });
        let verdict = if is_machine { Verdict::Machine } else { Verdict::Human };
        self.network.with_call(&self.id, |call| call.verdict = Some(verdict));
        self.outbox.tell(Moment::Detected).await;
    }

    async fn finish(mut self, status: Status, ending: Ending, sip: u16) {
        let seconds = if self.answered { (self.elapsed.round() as u64).max(1) } else { 0 };
        let mut bill = self.order.speaker.bill(seconds);
        if self.network.strikes(FaultKind::LateCost, &self.order.account, &self.order.to).is_some() {
            bill.after_seconds = bill.after_seconds.max(LATE_COST_SECONDS);
        }
        let recorded = self.answered && self.order.records;
        let recording_id = recorded.then(|| self.network.new_sid("RE", &self.id));
        self.network.with_call(&self.id, |call| {
            call.duration = Some(seconds);
            call.ending = Some(ending);
            call.sip = Some(sip);
            call.recording_id = recording_id;
            if let Some(conversation) = &mut call.conversation {
                // What a person said counts to the last moment.
                conversation.cut(if call.hand.is_some() { self.elapsed } else { seconds as f64 });
            }
            if self.answered && bill.after_seconds <= 0.0 {
                call.price_micros = Some(bill.micros);
            }
        });
        self.progress(status, Moment::Ended).await;
        self.outbox.tell(Moment::Recorded).await;
        if self.answered && self.callee.quirks.late_detection {
            self.detected().await;
        }
        if let Some(wait) = self.order.speaker.analysis_seconds() {
            self.network.pace.sleep(wait).await;
            self.network.with_call(&self.id, |call| call.analyzed = true);
            self.outbox.tell(Moment::Analyzed).await;
        }
        // Closing the outbox lets a held-back callback go.
        let Self { network, id, outbox, answered, .. } = self;
        drop(outbox);
        if answered && bill.after_seconds > 0.0 {
            network.pace.sleep(bill.after_seconds).await;
            network.with_call(&id, |call| call.price_micros = Some(bill.micros));
        }
    }
}
