//! How a screen asks the server, without its types: a question is bytes, an answer is bytes, and only where a view wants the
//! thing itself is it read. So the machinery of resources, forms and fetching is compiled once and not once per question,
//! which is half of what would go to the browser otherwise. How bytes say something is in `model::wire`.
//!
//! [`Answer`] is read by server and browser, [`Late`] by the browser alone, [`Change`] is a form or a button. A form is sent as
//! browsers send forms, so it works without scripts: a server function reads ours, JSON and forms alike ([`Wire`]).

use std::{future::Future, marker::PhantomData, pin::Pin};

use leptos::form::form_data_from_event;
use leptos::server::{ServerActionError, codee};
use leptos::{ev, html};

use model::Error;
use model::wire::{Compact, pack, unpack};
use serde::{Serialize, de::DeserializeOwned};
use server_fn::client::{Client, browser::BrowserClient};
use server_fn::codec::{Encoding, FromReq, IntoRes, Json, Post, PostUrl};
use server_fn::error::ServerFnUrlError;
use server_fn::redirect::call_redirect_hook;
use server_fn::request::{ClientReq, Req};
use server_fn::response::ClientRes;
use server_fn::server::Server;
use server_fn::{Bytes, ContentType, Protocol, ServerFn};

use crate::prelude::*;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// What our pages send and accept. Values have no names in it, so it names the build that wrote it: the page of another one
/// could be misread, and is refused instead.
pub const OURS: &str = concat!("application/x-belfry; build=", env!("BUILD"));
/// To a page that was open while we were updated.
const UPDATED: &str = "Belfry was updated. Reload this page to go on.";
const CONFLICT: u16 = 409;

/// What came back, unread, or why not.
pub type Packed = Result<Vec<u8>, Error>;
/// What is on its way.
type Coming = Pin<Box<dyn Future<Output = Packed> + Send>>;
/// Sends a question that is bytes already.
type Ask = Box<dyn Fn(Vec<u8>) -> Coming + Send + Sync>;

/// A server function of ours, seen as a question with its arguments.
pub trait Question: ServerFn<Error = Error> + Serialize + DeserializeOwned + 'static {}
impl<S: ServerFn<Error = Error> + Serialize + DeserializeOwned + 'static> Question for S {}

/// What is known so far, read.
fn known<T: DeserializeOwned>(packed: &Option<Packed>) -> Option<Result<T, Error>> {
    packed.as_ref().map(|packed| packed.as_ref().map_err(Clone::clone).and_then(|bytes| unpack(bytes)))
}

/// Posts a question from the browser, and follows where the answer leads.
fn post(path: &str, kind: &'static str, body: Vec<u8>) -> Coming {
    let path = path.to_owned();
    Box::pin(async move {
        let request = ClientReq::<Error>::try_new_post_bytes(&path, kind, OURS, Bytes::from(body))?;
        let response = <BrowserClient as Client<Error>>::send(request).await?;
        let status = ClientRes::<Error>::status(&response);
        let leads = (300..400).contains(&status) || ClientRes::<Error>::has_redirect(&response);
        let location = ClientRes::<Error>::location(&response);
        let bytes = ClientRes::<Error>::try_into_bytes(response).await?;
        if status >= 400 {
            return Err(unpack(&bytes).unwrap_or_else(|_| strange(status)));
        }
        if leads {
            call_redirect_hook(&location);
        }
        Ok(bytes.into())
    })
}

/// A refusal in words that are not ours: of a gateway in between, or of a server newer than this page.
pub(crate) fn strange(status: u16) -> Error {
    match status {
        CONFLICT => Error::conflict(UPDATED),
        _ => Error::Unavailable { provider: "Belfry".to_owned() },
    }
}

/// The protocol of every server function: what our pages send, JSON or a form goes in; what our pages read or JSON comes out.
pub struct Wire;

impl<Input, Output, C, S> Protocol<Input, Output, C, S, Error> for Wire
where
    Input: Serialize + DeserializeOwned + Send,
    Output: Serialize + DeserializeOwned + Send,
    C: Client<Error>,
    S: Server<Error>,
{
    const METHOD: http::Method = <PostUrl as Encoding>::METHOD;

    async fn run_server<F, Fut>(request: S::Request, server_fn: F) -> Result<S::Response, Error>
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, Error>> + Send,
    {
        let is_ours = speaks_ours(Req::<Error>::accepts(&request).as_deref())?;
        let kind = Req::<Error>::to_content_type(&request).unwrap_or_default();
        let (is_packed, is_json) = (kind == OURS, kind.starts_with(JSON));
        drop(kind);
        let input = match (is_packed, is_json) {
            (true, _) => <Input as FromReq<Post<Compact>, S::Request, Error>>::from_req(request).await?,
            (_, true) => <Input as FromReq<Json, S::Request, Error>>::from_req(request).await?,
            _ => <Input as FromReq<PostUrl, S::Request, Error>>::from_req(request).await?,
        };
        let output = server_fn(input).await?;
        match is_ours {
            true => <Output as IntoRes<Post<Compact>, S::Response, Error>>::into_res(output).await,
            false => <Output as IntoRes<Json, S::Response, Error>>::into_res(output).await,
        }
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, Error> {
        unpack(&post(path, OURS, pack(&input)?).await?)
    }
}

/// Whether a request comes from a page of ours that reads what we write.
///
/// # Errors
/// `Conflict` when the page is of another build.
pub fn speaks_ours(accepts: Option<&str>) -> Result<bool, Error> {
    match accepts {
        Some(OURS) => Ok(true),
        Some(other) if other.starts_with(Compact::CONTENT_TYPE) => Err(Error::conflict(UPDATED)),
        _ => Ok(false),
    }
}

/// Answers and refusals in a page.
pub struct Plain;

impl codee::Encoder<Packed> for Plain {
    type Error = Error;
    type Encoded = Vec<u8>;
    fn encode(packed: &Packed) -> Packed {
        pack(packed)
    }
}

impl codee::Decoder<Packed> for Plain {
    type Error = Error;
    type Encoded = [u8];
    fn decode(bytes: &[u8]) -> Result<Packed, Error> {
        unpack(bytes)
    }
}

/// On the server a question is answered where it stands; in a browser it is posted.
#[cfg(feature = "ssr")]
fn ask<S: Question<Output: Serialize>>() -> Ask {
    Box::new(|body| Box::pin(crate::ssr::answer::<S>(body)))
}

#[cfg(not(feature = "ssr"))]
fn ask<S: Question>() -> Ask {
    Box::new(|body| post(S::PATH, OURS, body))
}

/// What the server said to a question, and says again when the question or the news change. On the page from the start.
pub struct Answer<T> {
    text: Resource<Packed, Plain>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Answer<T> {}

impl<T: Serialize + DeserializeOwned> Answer<T> {
    /// Asks again whenever `news` counts on, or the question becomes another one.
    pub fn new<S: Question<Output = T>>(
        news: impl Fn() -> u32 + Send + Sync + 'static,
        question: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        Self { text: resource(Box::new(move || (news(), pack(&question()))), ask::<S>(), false), of: PhantomData }
    }

    /// One that the first byte of the page waits for, because it may lead elsewhere.
    pub fn blocking<S: Question<Output = T>>(question: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { text: resource(Box::new(move || (0, pack(&question()))), ask::<S>(), true), of: PhantomData }
    }

    /// What is known now. Followed, inside `Suspense` or an effect.
    pub fn get(self) -> Option<Result<T, Error>> {
        self.text.with(known)
    }

    /// Waits for it.
    ///
    /// # Errors
    /// What the server function answered.
    pub async fn ready(self) -> Result<T, Error> {
        unpack(&self.text.await?)
    }

    /// The same, unread.
    pub(crate) const fn text(self) -> Resource<Packed, Plain> {
        self.text
    }
}

/// The one resource there is.
fn resource(asked: Box<dyn Fn() -> (u32, Packed) + Send + Sync>, ask: Ask, blocking: bool) -> Resource<Packed, Plain> {
    let fetch = move |(_, body): (u32, Packed)| -> Coming {
        match body {
            Ok(body) => ask(body),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    };
    Resource::new_with_options(asked, fetch, blocking)
}

/// What the browser asks for itself, from when this is made: what a dialog shows. Nothing while there is no question.
pub struct Late<T> {
    text: RwSignal<Option<Packed>>,
    again: RwSignal<u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Late<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Late<T> {}

impl<T: DeserializeOwned> Late<T> {
    /// Asks now, and whenever the question becomes another one.
    pub fn new<S: Question<Output = T>>(question: impl Fn() -> Option<S> + Send + Sync + 'static) -> Self {
        let (text, again) = (RwSignal::new(None), RwSignal::new(0));
        keep_asking(S::PATH, Box::new(move || question().map(|question| pack(&question))), text, again);
        Self { text, again, of: PhantomData }
    }

    /// What is known now, followed.
    pub fn get(self) -> Option<Result<T, Error>> {
        self.text.with(known)
    }

    /// Asks the same again.
    pub fn refetch(self) {
        self.again.update(|n| *n += 1);
    }
}

fn keep_asking(
    path: &'static str,
    question: Box<dyn Fn() -> Option<Packed> + Send + Sync>,
    text: RwSignal<Option<Packed>>,
    again: RwSignal<u32>,
) {
    let newest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        again.track();
        newest.update_value(|n| *n += 1);
        let mine = newest.get_value();
        match question() {
            None => text.set(None),
            Some(Err(error)) => text.set(Some(Err(error))),
            Some(Ok(body)) => leptos::task::spawn_local(async move {
                let answer = post(path, OURS, body).await;
                // Another question may have been asked since, or the dialog closed.
                if newest.try_get_value() == Some(mine) {
                    text.try_set(Some(answer));
                }
            }),
        }
    });
}

/// Something to be changed, by a form or a button: whether it is under way, and how it went.
#[derive(Clone, Copy)]
pub struct Change {
    path: &'static str,
    pending: RwSignal<bool>,
    outcome: RwSignal<Option<Packed>>,
}

impl Change {
    /// What `S` changes.
    pub fn new<S: Question>() -> Self {
        Self::of(S::PATH)
    }

    fn of(path: &'static str) -> Self {
        // Without scripts a refusal comes back in the address of the page.
        let refused = use_context::<ServerActionError>().filter(|refused| refused.path() == path);
        let outcome = refused.map(|refused| Err(ServerFnUrlError::<Error>::decode_err(refused.err())));
        Self { path, pending: RwSignal::new(false), outcome: RwSignal::new(outcome) }
    }

    /// Whether the server is being asked.
    pub fn pending(self) -> Signal<bool> {
        self.pending.into()
    }

    /// Whether it went well the last time, followed: an effect runs each time anew.
    pub fn done(self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(_))))
    }

    /// What the server said the last time, followed; for the few changes that answer something.
    pub fn answer<T: DeserializeOwned>(self) -> Option<Result<T, Error>> {
        self.outcome.with(known)
    }

    /// Why it failed the last time; nothing when it went well.
    pub fn error(self) -> Signal<Option<Error>> {
        Signal::derive(move || self.outcome.with(|outcome| outcome.as_ref().and_then(|outcome| outcome.as_ref().err().cloned())))
    }

    /// Forgets how it went.
    pub fn clear(self) {
        self.outcome.set(None);
    }

    /// Asks for it from code.
    pub fn ask<S: Question>(self, question: &S) {
        match pack(question) {
            Ok(body) => self.send(OURS, body),
            Err(error) => self.outcome.set(Some(Err(error))),
        }
    }

    /// One at a time: what is asked again meanwhile, by a second click or Enter, is the same.
    fn send(self, kind: &'static str, body: Vec<u8>) {
        if self.pending.get_untracked() {
            return;
        }
        self.pending.set(true);
        leptos::task::spawn_local(async move {
            let answer = post(self.path, kind, body).await;
            // The page may be gone by now, by the answer's own doing.
            self.pending.try_set(false);
            self.outcome.try_set(Some(answer));
        });
    }
}

/// The fields of a form, and of the button that sent it, as browsers write them.
fn fields(event: &ev::SubmitEvent) -> Option<String> {
    let data = form_data_from_event(event).ok()?;
    let fields = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    fields.to_string().as_string()
}

/// A form that asks for a change: posted by the browser without scripts, and in place with them.
#[component]
pub fn ChangeForm(
    change: Change,
    /// Which of its controls are emptied when the change went well, as a selector: secrets do not stay on the page.
    #[prop(optional)]
    empties: &'static str,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Form>::new();
    if !empties.is_empty() {
        Effect::new(move |_| {
            if change.done() {
                node.get_untracked().into_iter().for_each(|form| empty(&form, empties));
            }
        });
    }
    let submit = move |event: ev::SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        // What cannot be read here is left to the browser.
        if let Some(body) = fields(&event) {
            event.prevent_default();
            change.send(FORM, body.into_bytes());
        }
    };
    view! { <form node_ref=node method="post" action=change.path on:submit=submit>{children()}</form> }
}

/// Empties controls of a form.
fn empty(form: &web_sys::Element, selector: &str) {
    let Ok(controls) = form.query_selector_all(selector) else { return };
    for control in (0..controls.length()).filter_map(|i| controls.get(i)) {
        // Setting a value on a live element cannot fail; there is nothing to do if it does.
        let _ = js_sys::Reflect::set(&control, &"value".into(), &"".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codee::{Decoder, Encoder};

    #[test]
    fn a_page_carries_answers_and_errors_alike() {
        for packed in [Ok(vec![0, 1, 2]), Err(Error::field("name", "Enter a name."))] {
            assert_eq!(Plain::encode(&packed).and_then(|page| Plain::decode(&page)), Ok(packed));
        }
    }

    #[test]
    fn what_is_no_such_value_is_an_error_and_no_panic() {
        assert!(matches!(unpack::<Vec<u32>>(&[9]), Err(Error::Internal { .. })));
    }

    #[test]
    fn a_page_of_another_build_is_refused_before_it_is_misread() {
        assert_eq!(speaks_ours(Some(OURS)), Ok(true));
        assert_eq!(speaks_ours(Some("application/json")), Ok(false));
        assert_eq!(speaks_ours(Some("application/x-belfry; build=0")), Err(Error::conflict(UPDATED)));
    }
}
