//! What the network posts to its customers, one call's messages in order, each by the protocol of the call: signed, repeated
//! when it is not taken, and with whatever fault is on.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    call::{Delivery, Order},
    callee::Quirks,
    clock,
    faults::{FaultKind, Strike},
    network::Network,
    speaker::{Message, Moment, Patience},
};

/// Callbacks of one call that wait to be sent; a call has fewer.
const WAITING_MAX: usize = 32;
/// A status that nobody has heard of.
pub const UNKNOWN_STATUS: &str = "hyperspace";

/// The callbacks of one call, sent in order by a task of their own, so that a slow listener does not hold up the call.
pub struct Outbox {
    network: Arc<Network>,
    id: String,
    order: Arc<Order>,
    queue: mpsc::Sender<Message>,
}

impl Outbox {
    pub fn open(network: Arc<Network>, id: &str, order: Arc<Order>, quirks: Quirks) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let postman = Postman { network: Arc::clone(&network), id: id.to_owned(), order: Arc::clone(&order), quirks };
        network.tasks.spawn(network.stop.clone().run_until_cancelled_owned(postman.run(waiting)));
        Self { network, id: id.to_owned(), order, queue }
    }

    /// Tells whoever asked of this moment.
    pub async fn tell(&self, moment: Moment) {
        let told = self.network.with_call(&self.id, |call| self.order.speaker.tell(&self.network, call, moment));
        for message in told.unwrap_or_default() {
            // The postman ends only when the whole network stops.
            self.queue.send(message).await.ok();
        }
    }
}

/// Sends the callbacks of one call, with whatever goes wrong.
#[derive(Clone)]
struct Postman {
    network: Arc<Network>,
    id: String,
    order: Arc<Order>,
    quirks: Quirks,
}

impl Postman {
    async fn run(self, mut waiting: mpsc::Receiver<Message>) {
        let mut held: Option<Message> = None;
        while let Some(message) = waiting.recv().await {
            if self.quirks.lose_callbacks || self.strikes(FaultKind::Drop).is_some() {
                self.note(&message.event, None, "lost");
            } else if held.is_none() && (self.quirks.messy_callbacks || self.strikes(FaultKind::Reorder).is_some()) {
                held = Some(message);
            } else {
                self.send(message).await;
                if let Some(late) = held.take() {
                    self.send(late).await;
                }
            }
        }
        if let Some(late) = held {
            self.send(late).await;
        }
        self.network.with_call(&self.id, |call| call.over = true);
    }

    fn strikes(&self, kind: FaultKind) -> Option<Strike> {
        self.network.strikes(kind, &self.order.account, &self.order.to)
    }

    fn note(&self, event: &str, status: Option<u16>, note: &str) {
        let note = (!note.is_empty()).then(|| note.to_owned());
        self.network.delivered(&self.id, Delivery { event: event.to_owned(), at: clock::now(), status, note });
    }

    async fn send(&self, mut message: Message) {
        // Asked first whether it names a status at all: a count is not used up on one that does not.
        let mut strange = message.clone();
        if self.order.speaker.garble(&mut strange) && self.strikes(FaultKind::UnknownStatus).is_some() {
            message = strange;
        }
        if let Some(Strike { bytes, .. }) = self.strikes(FaultKind::Oversized) {
            message.body.pad(bytes);
        }
        let twice = self.quirks.messy_callbacks || self.strikes(FaultKind::Duplicate).is_some();
        if let Some(Strike { delay_ms, .. }) = self.strikes(FaultKind::DelayMs) {
            let postman = self.clone();
            let late = async move {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                postman.deliver(&message, twice).await;
            };
            self.network.tasks.spawn(self.network.stop.clone().run_until_cancelled_owned(late));
            return;
        }
        self.deliver(&message, twice).await;
    }

    async fn deliver(&self, message: &Message, twice: bool) {
        for _ in 0..=usize::from(twice) {
            let forged = self.strikes(FaultKind::BadSignature).is_some();
            let answer = self.post(message, forged).await;
            match answer {
                Ok(response) => self.note(&message.event, Some(response.status().as_u16()), if forged { "forged" } else { "" }),
                Err(error) => self.note(&message.event, None, &error.without_url().to_string()),
            }
        }
    }

    /// Posts it, again and again as the protocol does.
    async fn post(&self, message: &Message, forged: bool) -> reqwest::Result<reqwest::Response> {
        let speaker = &self.order.speaker;
        let send = || speaker.seal(&self.network, &self.order.account, message, forged).send();
        let mut answer = send().await;
        match speaker.patience() {
            Patience::OnceUnconnected => match answer {
                Err(error) if error.is_connect() => send().await,
                other => other,
            },
            Patience::Repeats { times, wait } => {
                for _ in 0..times {
                    if answer.as_ref().is_ok_and(|response| response.status().is_success()) {
                        break;
                    }
                    tokio::time::sleep(wait).await;
                    answer = send().await;
                }
                answer
            }
        }
    }
}
