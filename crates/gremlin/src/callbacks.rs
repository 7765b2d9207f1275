//! What the network posts to its customers, one call's messages in order, each by the protocol of the call: signed, repeated
//! when it is not taken, and with whatever fault is on. Events that are about no call go the same way, to an [`Addressee`].

use std::{sync::Arc, time::Duration};

use reqwest::RequestBuilder;
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

/// Who gets messages, and how they are made for them.
pub trait Addressee: Clone + Send + Sync + 'static {
    fn account(&self) -> &str;

    /// What faults of a message are chosen by, such as the number that was called.
    fn to<'a>(&'a self, message: &'a Message) -> &'a str;

    /// The request that carries a message, signed; with a wrong signature when `forged`.
    fn seal(&self, network: &Network, message: &Message, forged: bool) -> RequestBuilder;

    /// Puts a status into a message that nobody has heard of; false when it names none.
    fn garble(&self, message: &mut Message) -> bool;

    fn patience(&self) -> Patience;

    /// What became of a message.
    fn note(&self, network: &Network, message: &Message, delivery: Delivery);

    /// What goes wrong by itself.
    fn quirks(&self) -> Quirks {
        Quirks::default()
    }

    /// Everything was sent.
    fn over(&self, _network: &Network) {}
}

/// Sends these messages, and no more.
pub fn post(network: &Arc<Network>, addressee: impl Addressee, messages: Vec<Message>) {
    let postman = Postman { network: Arc::clone(network), addressee };
    let work = async move {
        let mut held = None;
        for message in messages {
            held = postman.take(message, held).await;
        }
        postman.finish(held).await;
    };
    network.tasks.spawn(network.stop.clone().run_until_cancelled_owned(work));
}

/// Whoever ordered a call.
#[derive(Clone)]
struct Customer {
    id: String,
    order: Arc<Order>,
    quirks: Quirks,
}

impl Addressee for Customer {
    fn account(&self) -> &str {
        &self.order.account
    }
    fn to<'a>(&'a self, _message: &'a Message) -> &'a str {
        &self.order.to
    }
    fn seal(&self, network: &Network, message: &Message, forged: bool) -> RequestBuilder {
        self.order.speaker.seal(network, &self.order.account, message, forged)
    }
    fn garble(&self, message: &mut Message) -> bool {
        self.order.speaker.garble(message)
    }
    fn patience(&self) -> Patience {
        self.order.speaker.patience()
    }
    fn note(&self, network: &Network, _message: &Message, delivery: Delivery) {
        network.delivered(&self.id, delivery);
    }
    fn quirks(&self) -> Quirks {
        self.quirks
    }
    fn over(&self, network: &Network) {
        network.with_call(&self.id, |call| call.over = true);
    }
}

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
        let addressee = Customer { id: id.to_owned(), order: Arc::clone(&order), quirks };
        let postman = Postman { network: Arc::clone(&network), addressee };
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

/// Sends messages to one addressee, with whatever goes wrong.
#[derive(Clone)]
struct Postman<A> {
    network: Arc<Network>,
    addressee: A,
}

impl<A: Addressee> Postman<A> {
    async fn run(self, mut waiting: mpsc::Receiver<Message>) {
        let mut held: Option<Message> = None;
        while let Some(message) = waiting.recv().await {
            held = self.take(message, held).await;
        }
        self.finish(held).await;
    }

    /// Sends a message, or holds it back until after the next one; says what is held back now.
    async fn take(&self, message: Message, held: Option<Message>) -> Option<Message> {
        let quirks = self.addressee.quirks();
        if quirks.lose_callbacks || self.strikes(FaultKind::Drop, &message).is_some() {
            self.note(&message, None, "lost");
            return held;
        }
        if held.is_none() && (quirks.messy_callbacks || self.strikes(FaultKind::Reorder, &message).is_some()) {
            return Some(message);
        }
        self.send(message).await;
        if let Some(late) = held {
            self.send(late).await;
        }
        None
    }

    async fn finish(&self, held: Option<Message>) {
        if let Some(late) = held {
            self.send(late).await;
        }
        self.addressee.over(&self.network);
    }

    fn strikes(&self, kind: FaultKind, message: &Message) -> Option<Strike> {
        self.network.strikes(kind, self.addressee.account(), self.addressee.to(message))
    }

    fn note(&self, message: &Message, status: Option<u16>, note: &str) {
        let note = (!note.is_empty()).then(|| note.to_owned());
        self.addressee.note(&self.network, message, Delivery { event: message.event.clone(), at: clock::now(), status, note });
    }

    async fn send(&self, mut message: Message) {
        // Asked first whether it names a status at all: a count is not used up on one that does not.
        let mut strange = message.clone();
        if self.addressee.garble(&mut strange) && self.strikes(FaultKind::UnknownStatus, &message).is_some() {
            message = strange;
        }
        if let Some(Strike { bytes, .. }) = self.strikes(FaultKind::Oversized, &message) {
            message.body.pad(bytes);
        }
        let twice = self.addressee.quirks().messy_callbacks || self.strikes(FaultKind::Duplicate, &message).is_some();
        if let Some(Strike { delay_ms, .. }) = self.strikes(FaultKind::DelayMs, &message) {
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
            let forged = self.strikes(FaultKind::BadSignature, message).is_some();
            let answer = self.post(message, forged).await;
            match answer {
                Ok(response) => self.note(message, Some(response.status().as_u16()), if forged { "forged" } else { "" }),
                Err(error) => self.note(message, None, &error.without_url().to_string()),
            }
        }
    }

    /// Posts it, again and again as the protocol does.
    async fn post(&self, message: &Message, forged: bool) -> reqwest::Result<reqwest::Response> {
        let send = || self.addressee.seal(&self.network, message, forged).send();
        let mut answer = send().await;
        match self.addressee.patience() {
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
