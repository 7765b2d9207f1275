//! What people read whose company is suspended.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use model::Error;
use model::accounts::Bar;

use crate::form::FormProblem;
use crate::layout::switch_items;
use crate::prelude::*;
use crate::session::{CurrentSession, Session, SignOut, SwitchCompany};
use crate::ui::{AuthLayout, Button, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// `/suspended`
#[component]
pub fn SuspendedPage() -> impl IntoView {
    let session = Answer::blocking(|| CurrentSession {});
    let (out, switch) = (Change::new::<SignOut>(), Change::new::<SwitchCompany>().error());
    let page = move |answer: Result<Option<Session>, Error>| match answer {
        Ok(Some(session)) if session.me.barred == Some(Bar::Suspended) => {
            let others = switch_items(&session.me);
            view! {
                <AuthLayout title=format!("{} is suspended", session.me.company_name) lead=|| "Nothing is lost, and nothing can be done until it is let go on.">
                    <div class="flex flex-col gap-4">
                        <Note tone=Tone::Warning>{session.me.suspended_because}</Note>
                        <p>"Write to whoever runs the platform for you."</p>
                        <FormProblem error=switch fields=&[]/>
                        {others}
                        <ChangeForm change=out><Button submit=true variant=Variant::Outline>"Sign out"</Button></ChangeForm>
                    </div>
                </AuthLayout>
            }
        }
        _ => view! { <Redirect path="/"/> },
    };
    view! {
        <Title text="Suspended"/>
        <Suspense fallback=|| ()>{move || session.get().map(page)}</Suspense>
    }
}
