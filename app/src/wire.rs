//! How a screen asks the server, without its types: a question is JSON text, an answer is JSON text, and only where a view
//! wants the thing itself is it read. So the machinery of resources, forms and fetching is compiled once and not once per
//! question, which is half of what would go to the browser otherwise.
//!
//! [`Answer`] is read by server and browser, [`Late`] by the browser alone, [`Change`] is a form or a button. A form is sent as
//! browsers send forms, so it works without scripts: a server function reads JSON and forms alike ([`Wire`]).

use std::{future::Future, marker::PhantomData, pin::Pin};

use leptos::form::form_data_from_event;
use leptos::server::{ServerActionError, codee};
use leptos::{ev, prelude::*};
use model::Error;
use serde::{Serialize, de::DeserializeOwned};
use server_fn::client::{Client, browser::BrowserClient};
use server_fn::codec::{Encoding, FromReq, IntoRes, Json, PostUrl};
use server_fn::error::ServerFnUrlError;
use server_fn::redirect::call_redirect_hook;
use server_fn::request::{ClientReq, Req};
use server_fn::response::ClientRes;
use server_fn::server::Server;
use server_fn::{Protocol, ServerFn};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What came back: JSON, or why not.
type Text = Result<String, Error>;
/// What is on its way.
type Coming = Pin<Box<dyn Future<Output = Text> + Send>>;
/// Sends a question that is text already.
type Ask = Box<dyn Fn(String) -> Coming + Send + Sync>;

/// A server function of ours, seen as a question with its arguments.
pub trait Question: ServerFn<Error = Error> + Serialize + DeserializeOwned + 'static {}
impl<S: ServerFn<Error = Error> + Serialize + DeserializeOwned + 'static> Question for S {}

/// The text of a value.
pub(crate) fn write<T: Serialize>(value: &T) -> Text {
    serde_json::to_string(value).map_err(|error| Error::Internal { trace: error.to_string() })
}

/// The value of a text; another version of us wrote it when it cannot be read.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Internal { trace: error.to_string() })
}

/// What is known so far, read.
fn known<T: DeserializeOwned>(text: &Option<Text>) -> Option<Result<T, Error>> {
    text.as_ref().map(|text| text.as_ref().map_err(Clone::clone).and_then(|text| read(text)))
}

/// Posts a question from the browser, and follows where the answer leads.
fn post(path: &str, kind: &'static str, body: String) -> Coming {
    let path = path.to_owned();
    Box::pin(async move {
        let request = ClientReq::<Error>::try_new_post(&path, kind, JSON, body)?;
        let response = <BrowserClient as Client<Error>>::send(request).await?;
        let status = ClientRes::<Error>::status(&response);
        let leads = (300..400).contains(&status) || ClientRes::<Error>::has_redirect(&response);
        let location = ClientRes::<Error>::location(&response);
        let text = ClientRes::<Error>::try_into_string(response).await?;
        if status >= 400 {
            // A gateway in between speaks no JSON.
            return Err(read(&text).unwrap_or(Error::Unavailable { provider: "Belfry".to_owned() }));
        }
        if leads {
            call_redirect_hook(&location);
        }
        Ok(text)
    })
}

/// The protocol of every server function: a form or JSON goes in, JSON comes out.
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
        let is_json = Req::<Error>::to_content_type(&request).is_some_and(|kind| kind.starts_with(JSON));
        let input = match is_json {
            true => <Input as FromReq<Json, S::Request, Error>>::from_req(request).await?,
            false => <Input as FromReq<PostUrl, S::Request, Error>>::from_req(request).await?,
        };
        <Output as IntoRes<Json, S::Response, Error>>::into_res(server_fn(input).await?).await
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, Error> {
        read(&post(path, JSON, write(&input)?).await?)
    }
}

/// Texts in a page: an answer as it is, an error after a `!`, with which no JSON begins.
pub struct Plain;

impl codee::Encoder<Text> for Plain {
    type Error = Error;
    type Encoded = String;
    fn encode(text: &Text) -> Text {
        match text {
            Ok(text) => Ok(text.clone()),
            Err(error) => write(error).map(|text| format!("!{text}")),
        }
    }
}

impl codee::Decoder<Text> for Plain {
    type Error = Error;
    type Encoded = str;
    fn decode(text: &str) -> Result<Text, Error> {
        match text.strip_prefix('!') {
            Some(error) => read(error).map(Err),
            None => Ok(Ok(text.to_owned())),
        }
    }
}

/// On the server a question is answered where it stands; in a browser it is posted.
#[cfg(feature = "ssr")]
fn ask<S: Question<Output: Serialize>>() -> Ask {
    Box::new(|body| Box::pin(crate::ssr::answer::<S>(body)))
}

#[cfg(not(feature = "ssr"))]
fn ask<S: Question>() -> Ask {
    Box::new(|body| post(S::PATH, JSON, body))
}

/// What the server said to a question, and says again when the question or the news change. On the page from the start.
pub struct Answer<T> {
    text: Resource<Text, Plain>,
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
        Self { text: resource(Box::new(move || (news(), write(&question()))), ask::<S>(), false), of: PhantomData }
    }

    /// One that the first byte of the page waits for, because it may lead elsewhere.
    pub fn blocking<S: Question<Output = T>>(question: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { text: resource(Box::new(move || (0, write(&question()))), ask::<S>(), true), of: PhantomData }
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
        read(&self.text.await?)
    }

    /// The same, unread.
    pub(crate) const fn text(self) -> Resource<Text, Plain> {
        self.text
    }
}

/// The one resource there is.
fn resource(asked: Box<dyn Fn() -> (u32, Text) + Send + Sync>, ask: Ask, blocking: bool) -> Resource<Text, Plain> {
    let fetch = move |(_, body): (u32, Text)| -> Coming {
        match body {
            Ok(body) => ask(body),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    };
    Resource::new_with_options(asked, fetch, blocking)
}

/// What the browser asks for itself, from when this is made: what a dialog shows. Nothing while there is no question.
pub struct Late<T> {
    text: RwSignal<Option<Text>>,
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
        keep_asking(S::PATH, Box::new(move || question().map(|question| write(&question))), text, again);
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
    question: Box<dyn Fn() -> Option<Text> + Send + Sync>,
    text: RwSignal<Option<Text>>,
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
                let answer = post(path, JSON, body).await;
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
    outcome: RwSignal<Option<Text>>,
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
        match write(question) {
            Ok(body) => self.send(JSON, body),
            Err(error) => self.outcome.set(Some(Err(error))),
        }
    }

    fn send(self, kind: &'static str, body: String) {
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
pub fn ChangeForm(change: Change, children: Children) -> impl IntoView {
    let submit = move |event: ev::SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        // What cannot be read here is left to the browser.
        if let Some(body) = fields(&event) {
            event.prevent_default();
            change.send(FORM, body);
        }
    };
    view! { <form method="post" action=change.path on:submit=submit>{children()}</form> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codee::{Decoder, Encoder};

    #[test]
    fn a_page_carries_answers_and_errors_alike() {
        for text in [Ok("{\"a\":1}".to_owned()), Ok("\"!\"".to_owned()), Err(Error::field("name", "Enter a name."))] {
            assert_eq!(Plain::encode(&text).and_then(|page| Plain::decode(&page)), Ok(text));
        }
    }

    #[test]
    fn what_another_version_wrote_is_an_error_and_no_panic() {
        assert!(matches!(read::<Vec<u32>>("{}"), Err(Error::Internal { .. })));
    }
}
