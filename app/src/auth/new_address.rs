//! Where the mail to a new address leads. A button, because mail scanners open every link.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;

use crate::form::FormProblem;
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, LinkButton};
use crate::wire::{Change, ChangeForm};

/// Makes the address that `token` was sent to the account's.
#[server(protocol = crate::wire::Wire)]
pub async fn take_address(token: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::profile::take_email(&db()?, &token, &client()).await?;
    redirect("/new-address?done=1");
    Ok(())
}

/// `/new-address?token=…`
#[component]
pub fn NewAddressPage() -> impl IntoView {
    let query = use_query_map();
    let word = move |name: &str| query.with(|query| query.get_str(name).map(str::to_owned));
    let take = Change::new::<TakeAddress>();
    let page = move || match word("done") {
        Some(_) => view! {
            <AuthLayout title="Your e-mail is changed" lead=|| "Sign in with the new address from now on.">
                <LinkButton href="/account">"Open your account"</LinkButton>
            </AuthLayout>
        },
        None => view! {
            <AuthLayout title="Use this address?" lead=|| "You sign in with it from now on. We tell the old address.">
                <ChangeForm change=take attr:class="flex flex-col gap-4">
                    <input type="hidden" name="token" value=word("token")/>
                    <FormProblem error=take.error() fields=&[]/>
                    <Button submit=true class="w-full" busy=take.pending()>"Use this address"</Button>
                </ChangeForm>
            </AuthLayout>
        },
    };
    view! {
        <Title text="Your new address"/>
        {page}
    }
}
