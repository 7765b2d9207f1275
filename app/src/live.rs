//! One event stream per tab. The server says which topic changed, never what: a screen that shows the topic reads again.
//! After a lost connection everything is read again; while it stays lost a badge says that the screen may be stale.

use std::time::Duration;

use model::events::Topic;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource};

use crate::prelude::*;
use crate::ui::{Badge, Tone};

/// Where the server tells the news.
const STREAM: &str = "/live";
/// News of one topic within this time are one: a busy campaign must not read its page fifty times a second.
const GATHER: Duration = Duration::from_millis(400);
/// A connection lost for less than this is nobody's business: streams end and return as a matter of course.
const PATIENCE: Duration = Duration::from_secs(5);
/// When the server refused the stream, the browser gives up; we try again after this.
const RETRY: Duration = Duration::from_secs(15);

const TOPICS: usize = Topic::ALL.len();

/// The news of this tab: one counter per topic, and whether the stream is down.
#[derive(Clone, Copy)]
struct Live {
    ticks: [RwSignal<u32>; TOPICS],
    gathering: [RwSignal<bool>; TOPICS],
    lost: RwSignal<bool>,
    stale: RwSignal<bool>,
}

/// Where the open connection is kept. It belongs to the browser's one thread, so it is made in an effect, never on the server.
type Kept = StoredValue<Option<Stream>, LocalStorage>;

/// An open connection and the handler that must live as long.
struct Stream {
    source: EventSource,
    _handler: Closure<dyn Fn(Event)>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Counts the changes of a topic; a resource that tracks it reads again with each. Constant where no stream was provided.
pub fn use_topic(topic: Topic) -> Signal<u32> {
    use_context::<Live>().map_or_else(|| Signal::stored(0), |live| live.ticks[index(topic)].into())
}

/// Whether the stream has been down for a while.
pub fn use_stale() -> Signal<bool> {
    use_context::<Live>().map_or_else(|| Signal::stored(false), |live| live.stale.into())
}

/// Opens the stream for the components below, for as long as the caller lives.
pub fn provide_live() {
    let live = Live {
        ticks: std::array::from_fn(|_| RwSignal::new(0)),
        gathering: std::array::from_fn(|_| RwSignal::new(false)),
        lost: RwSignal::new(false),
        stale: RwSignal::new(false),
    };
    provide_context(live);
    // Effects run in browsers only. What is stored in one is dropped with it, and dropping a stream closes it.
    Effect::new(move |_| live.connect(StoredValue::new_local(None)));
}

fn index(topic: Topic) -> usize {
    Topic::ALL.iter().position(|t| *t == topic).unwrap_or_default()
}

impl Live {
    fn connect(self, kept: Kept) {
        let Ok(source) = EventSource::new(STREAM) else {
            self.stale.set(true);
            return;
        };
        let handler = Closure::<dyn Fn(Event)>::new(move |event: Event| self.heard(&event, kept));
        for name in ["open", "error", "resync"].into_iter().chain(Topic::ALL.iter().map(|topic| topic.as_str())) {
            // Only fails for a target that is no event target.
            let _ = source.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
        }
        kept.try_set_value(Some(Stream { source, _handler: handler }));
    }

    fn heard(self, event: &Event, kept: Kept) {
        match event.type_().as_str() {
            "open" => {
                if self.lost.get_untracked() {
                    self.lost.set(false);
                    self.stale.set(false);
                    self.all();
                }
            }
            "error" => self.lost(event, kept),
            "resync" => self.all(),
            word => {
                if let Ok(topic) = word.parse() {
                    self.changed(index(topic));
                }
            }
        }
    }

    /// The browser reconnects by itself, unless the server refused.
    fn lost(self, event: &Event, kept: Kept) {
        self.lost.set(true);
        set_timeout(
            move || {
                // The page may be gone by now.
                if self.lost.try_get_untracked() == Some(true) {
                    self.stale.set(true);
                }
            },
            PATIENCE,
        );
        let refused = event
            .target()
            .and_then(|target| target.dyn_into::<EventSource>().ok())
            .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
        if refused {
            set_timeout(
                move || {
                    if self.lost.try_get_untracked() == Some(true) {
                        self.connect(kept);
                    }
                },
                RETRY,
            );
        }
    }

    fn all(self) {
        (0..TOPICS).for_each(|i| self.changed(i));
    }

    fn changed(self, i: usize) {
        if self.gathering[i].get_untracked() {
            return;
        }
        self.gathering[i].set(true);
        set_timeout(
            move || {
                // The page may be gone by now.
                self.gathering[i].try_set(false);
                self.ticks[i].try_update(|n| *n = n.wrapping_add(1));
            },
            GATHER,
        );
    }
}

/// Says so when the screen may be out of date.
#[component]
pub fn StaleBadge() -> impl IntoView {
    let stale = use_stale();
    view! {
        <div role="status" class="fixed start-1/2 bottom-4 z-40 -translate-x-1/2 rtl:translate-x-1/2">
            {move || stale.get().then(|| view! {
                <Badge soft=true tone=Tone::Warning class="shadow-md" label="Not live: reconnecting. Reload to see the newest."/>
            })}
        </div>
    }
}
