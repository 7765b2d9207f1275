//! Events: kept, listed, and posted to every endpoint that wants them, in no particular order, signed, and again and again until
//! they are taken.

use std::{sync::Arc, time::Duration};

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    Books, Desk, Done, Refusal,
    books::EVENT,
    endpoints::{self, wants},
    form::Form,
    sign::signature,
};
use crate::{
    call::Delivery,
    callbacks::{Addressee, UNKNOWN_STATUS, post},
    chance::Dice,
    network::Network,
    speaker::{Body, Message, Patience},
};

/// Stripe repeats over days, and three times over hours where no money is real. Here it takes a moment, in real time.
const REPEATS: u32 = 3;
const REPEAT_WAIT: Duration = Duration::from_millis(200);

impl Desk<'_> {
    /// Notes that something happened to a thing.
    pub fn tell(&mut self, kind: &str, about: &str, before: Option<Value>) {
        let mut data = json!({ "object": self.books.any(about) });
        if let Some(before) = before {
            data["previous_attributes"] = before;
        }
        let waiting = self.books.shelf(endpoints::KIND).filter(|endpoint| wants(endpoint, kind)).count();
        let request = self.request;
        let id = self.new_id("evt");
        let event = json!({
            "id": id,
            "object": EVENT,
            "api_version": self.version,
            "created": self.now,
            "data": data,
            "livemode": false,
            "pending_webhooks": waiting,
            "request": { "id": request.map(|(id, _)| id), "idempotency_key": request.and_then(|(_, key)| key) },
            "type": kind,
        });
        // There is always room for an event.
        if self.books.keep(event).is_ok() {
            self.told.push(id);
        }
    }
}

/// Works on the books of an account without a request, and sends what comes of it.
pub fn at_desk<R>(network: &Arc<Network>, account: &str, work: impl FnOnce(&mut Desk<'_>) -> R) -> R {
    let mut state = network.state();
    let books = state.stripe.entry(account.to_owned()).or_default();
    let mut desk = Desk::unasked(network, books, account);
    let done = work(&mut desk);
    let told = desk.close();
    send(network, account, books, &told);
    done
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["created", "delivery_success", "ending_before", "expand", "limit", "starting_after", "type", "types"])?;
    let (kind, kinds) = (form.text("type"), form.texts("types"));
    if kind.is_some() && kinds.is_some() {
        return Err(Refusal::invalid("You may only specify one of these parameters: type, types."));
    }
    let delivered = form.text("delivery_success").map(|_| form.flag("delivery_success")).transpose()?;
    let is_one = |event: &Value, wanted: &str| {
        let kind = event["type"].as_str().unwrap_or_default();
        wanted.strip_suffix('*').map_or(kind == wanted, |start| kind.starts_with(start))
    };
    desk.books.page(EVENT, "/v1/events", form, |event| {
        kind.is_none_or(|wanted| is_one(event, wanted))
            && kinds.as_ref().is_none_or(|all| all.iter().any(|wanted| is_one(event, wanted)))
            && delivered.is_none_or(|delivered| (event["pending_webhooks"] == 0) == delivered)
    })
}

/// Posts what one request told of, to each endpoint by itself.
pub fn send(network: &Arc<Network>, account: &str, books: &Books, told: &[String]) {
    for endpoint in books.shelf(endpoints::KIND) {
        let url = endpoint["url"].as_str().unwrap_or_default();
        let mut letters = Vec::new();
        for event in told.iter().filter_map(|id| books.get(EVENT, id)) {
            let kind = event["type"].as_str().unwrap_or_default();
            if !wants(endpoint, kind) {
                continue;
            }
            let mut body = event.clone();
            body["api_version"] = endpoint["api_version"].clone();
            letters.push(Message {
                url: url.to_owned(),
                method: "POST".to_owned(),
                event: kind.to_owned(),
                body: Body::Json(body),
            });
        }
        // They are told of all at once, and arrive as they may.
        let mut dice = Dice::new(network.settings.seed, &["stripe", account, &told.len().to_string()]);
        for n in (1..letters.len()).rev() {
            letters.swap(n, (dice.unit() * (n + 1) as f64) as usize);
        }
        let id = endpoint["id"].as_str().unwrap_or_default().to_owned();
        let secret = books.noted(&id).as_str().unwrap_or_default().to_owned();
        post(network, Subscriber { account: account.to_owned(), endpoint: id, secret }, letters);
    }
}

/// An endpoint, as those who post see it.
#[derive(Clone)]
struct Subscriber {
    account: String,
    endpoint: String,
    secret: String,
}

impl Addressee for Subscriber {
    fn account(&self) -> &str {
        &self.account
    }

    /// Faults may be for some types of events only.
    fn to<'a>(&'a self, message: &'a Message) -> &'a str {
        &message.event
    }

    fn seal(&self, network: &Network, message: &Message, forged: bool) -> RequestBuilder {
        let Body::Json(body) = &message.body else { unreachable!("Stripe's messages are JSON") };
        let bytes = serde_json::to_vec_pretty(body).unwrap_or_default();
        let secret = if forged { "forged" } else { &self.secret };
        let signed = signature(secret, &bytes, network.signing_time(&self.account).timestamp());
        let request = network.client.post(&message.url).header("content-type", "application/json; charset=utf-8");
        request
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signed)
            .body(bytes)
    }

    fn garble(&self, message: &mut Message) -> bool {
        let Body::Json(body) = &mut message.body else { return false };
        let status = body.pointer_mut("/data/object/status").filter(|status| status.is_string());
        status.map(|status| *status = UNKNOWN_STATUS.into()).is_some()
    }

    fn patience(&self) -> Patience {
        Patience::Repeats { times: REPEATS, wait: REPEAT_WAIT }
    }

    /// An event that was taken no longer waits for this endpoint.
    fn note(&self, network: &Network, message: &Message, delivery: Delivery) {
        let Body::Json(body) = &message.body else { return };
        if !delivery.status.is_some_and(|status| (200..300).contains(&status)) {
            return;
        }
        let mut state = network.state();
        let books = state.stripe.entry(self.account.clone()).or_default();
        let id = body["id"].as_str().unwrap_or_default();
        let mut takers = books.noted(id).clone();
        let waiting = books.get(EVENT, id).and_then(|event| event["pending_webhooks"].as_u64()).unwrap_or_default();
        if takers[&self.endpoint].is_null() {
            takers[&self.endpoint] = delivery.at.timestamp().into();
            books.note(id, takers);
            books.change(id, json!({ "pending_webhooks": waiting.saturating_sub(1) }));
        }
    }
}
