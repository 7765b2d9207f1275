//! Who is at the screen: read once when the frame opens, kept fresh by the live stream, and how to leave.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::Error;
use model::accounts::Me;
use model::events::Topic;
use model::id::CompanyId;
use serde::{Deserialize, Serialize};

use crate::live::{use_stale, use_topic};

/// The person at the screen and how this server runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub me: Me,
    /// Development mode: mails can be read at `/dev/mail`.
    pub dev: bool,
}

/// Who is signed in, if anybody.
#[server(protocol = crate::wire::Wire)]
pub async fn current_session() -> Result<Option<Session>, Error> {
    use crate::ssr::*;
    let Ok(caller) = anyone() else { return Ok(None) };
    let db = db()?;
    match services::accounts::me(&db, &caller).await.map_err(Error::from) {
        Ok(me) => Ok(Some(Session { me, dev: db.config().dev })),
        Err(Error::Unauthenticated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends the session, here and in the table.
#[server(protocol = crate::wire::Wire)]
pub async fn sign_out() -> Result<(), Error> {
    use crate::ssr::*;
    keep_session(None).await?;
    redirect("/sign-in");
    Ok(())
}

/// Goes on in another of one's companies.
#[server(protocol = crate::wire::Wire)]
pub async fn switch_company(company: CompanyId) -> Result<(), Error> {
    use crate::ssr::*;
    let token = services::accounts::switch(&db()?, &anyone()?, company, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect("/");
    Ok(())
}

/// Goes back home from inside a client.
#[server(protocol = crate::wire::Wire)]
pub async fn leave_client() -> Result<(), Error> {
    use crate::ssr::*;
    let caller = caller()?;
    let token = services::clients::leave(&db()?, &caller, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect(if caller.actor.may(model::accounts::Permission::AdminPlatform) { "/admin/clients" } else { "/clients" });
    Ok(())
}

#[derive(Clone, Copy)]
struct Person(RwSignal<Option<Me>>);

/// Makes `use_me()` work below and keeps it fresh.
pub fn provide_me(me: Me) -> Signal<Option<Me>> {
    let person = RwSignal::new(Some(me));
    provide_context(Person(person));
    // Every recorded change is also an event, so this hears of confirmations, grants and calls alike.
    let (events, credits, stale) = (use_topic(Topic::Events), use_topic(Topic::Credits), use_stale());
    let navigate = StoredValue::new(use_navigate());
    Effect::new(move |before: Option<()>| {
        events.track();
        credits.track();
        stale.track();
        if before.is_some() {
            leptos::task::spawn_local(async move {
                // The frame may be gone when the answer comes.
                match current_session().await {
                    Ok(Some(session)) => drop(person.try_set(Some(session.me))),
                    // The session ended elsewhere; a refused stream is how we learn of it.
                    Ok(None) => drop(navigate.try_with_value(|go| go("/sign-in", Default::default()))),
                    Err(_) => {}
                }
            });
        }
    });
    person.into()
}

/// The person at the screen; `None` outside the frame.
pub fn use_me() -> Signal<Option<Me>> {
    use_context::<Person>().map_or_else(|| Signal::stored(None), |person| person.0.into())
}
