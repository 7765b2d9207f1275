//! The live stream: what `services::events::live` hears, as server-sent events to the screens of one company.
//! An event is a topic to read again, never data; `resync` means all topics.

use crate::answers::Refused;
use crate::caller::SignedIn;
use crate::limits;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::HeaderMap;
use model::id::CompanyId;
use services::Db;
use services::accounts::{self, Cookie};
use services::events::live::{Heard, listen};
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_util::sync::CancellationToken;

/// Sent by a browser that returns, with the id of the last event it got.
const LAST_EVENT_ID: &str = "last-event-id";

/// One listener of this process and all who hear it. It begins with the first screen.
#[derive(Clone)]
pub struct Live {
    db: Db,
    heard: broadcast::Sender<Heard>,
    /// Whether Postgres has been listened to yet.
    is_up: watch::Sender<bool>,
    begun: Arc<Once>,
    seats: Arc<Semaphore>,
    stop: CancellationToken,
    look: Duration,
}

impl Live {
    /// Nobody listens yet; `stop` will end every stream, and the end of a session its own, found out within `look`.
    pub fn new(db: Db, stop: CancellationToken, look: Duration) -> Self {
        let (heard, _) = broadcast::channel(limits::NOTICES_MAX);
        let (is_up, _) = watch::channel(false);
        Self { db, heard, is_up, begun: Arc::new(Once::new()), seats: Arc::new(Semaphore::new(limits::STREAMS_MAX)), stop, look }
    }

    /// Everything that is said from now on. Waits for the listener, so that a screen that was greeted misses nothing.
    async fn subscribe(&self) -> broadcast::Receiver<Heard> {
        self.begun.call_once(|| self.begin());
        let _ = tokio::time::timeout(limits::READY, self.is_up.subscribe().wait_for(|is_up| *is_up)).await;
        self.heard.subscribe()
    }

    /// Returns once the session behind `token` opens no doors any more. A database that is away ends nothing.
    async fn ended(&self, token: &str) {
        loop {
            tokio::time::sleep(self.look).await;
            if matches!(accounts::is_alive(&self.db, token).await, Ok(false)) {
                return;
            }
        }
    }

    fn begin(&self) {
        let live = self.clone();
        let listening = async move {
            let tell = |what| {
                // The first word is that the listener is there. Errors only say that nobody listens at the moment.
                live.is_up.send_replace(true);
                let _ = live.heard.send(what);
            };
            listen(&live.db, tell).await
        };
        #[expect(clippy::disallowed_methods, reason = "ends with the process' stop token and holds nothing to wait for")]
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(listening));
    }
}

/// `GET /live`
pub async fn stream(State(live): State<Live>, SignedIn(caller): SignedIn, headers: HeaderMap) -> Result<Response, Refused> {
    let full = |_| model::Error::Unavailable { provider: "The live stream".to_owned() };
    let seat = live.seats.clone().try_acquire_owned().map_err(full)?;
    let company = caller.actor.company();
    let heard = BroadcastStream::new(live.subscribe().await).filter_map(move |heard| ready(tell(company, heard)));
    let hello = event("hello").retry(limits::STREAM_RETRY);
    let missed = headers.contains_key(LAST_EVENT_ID).then(|| event("resync"));
    let token = Cookie::Session.read(&headers, live.db.config().dev).unwrap_or_default();
    let end = async move {
        tokio::select! {
            () = live.stop.cancelled() => {}
            () = live.ended(&token) => {}
            () = tokio::time::sleep(limits::STREAM) => {}
        }
    };
    let events = stream::iter([hello]).chain(stream::iter(missed)).chain(heard).take_until(Box::pin(end)).map(move |event| {
        let _held_while_streaming = &seat;
        Ok::<_, Infallible>(event)
    });
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(limits::HEARTBEAT));
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

/// What this company's screens are told, if anything.
fn tell(company: CompanyId, heard: Result<Heard, BroadcastStreamRecvError>) -> Option<Event> {
    match heard {
        Ok(Heard::Changed { company: whose, topic }) => (whose == company).then(|| event(topic.as_str())),
        Ok(Heard::Resync) | Err(BroadcastStreamRecvError::Lagged(_)) => Some(event("resync")),
    }
}

/// Browsers dispatch no event without data, and return with `Last-Event-ID` only after one with an id.
fn event(name: &str) -> Event {
    Event::default().event(name).id("1").data(name)
}
