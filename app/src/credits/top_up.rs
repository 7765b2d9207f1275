//! Topping up. Payments are not part of this release, and the dialog says so instead of pretending.

use crate::prelude::*;
use crate::session::use_me;
use crate::ui::{Button, CopyButton, Dialog};

/// Says how to get credits today.
#[component]
pub(super) fn TopUpDialog(open: RwSignal<bool>) -> impl IntoView {
    let me = use_me();
    let company = move || me.with(|me| me.as_ref().map(|me| me.company.to_string()).unwrap_or_default());
    view! {
        <Dialog
            open=open
            id="top-up"
            title="Top up"
            foot=move || view! { <Button on:click=move |_| open.set(false)>"Got it"</Button> }
        >
            <div class="flex flex-col gap-3">
                <p>"You cannot pay here yet: cards and invoices come with the payments release."</p>
                <p>
                    "Until then a super admin of this Belfry can grant credits. Tell them how many minutes you need and give them \
                    the id of your company:"
                </p>
                <CopyButton text=Signal::derive(company) label=company() class="self-start font-mono text-xs"/>
                <p class="text-muted-foreground">"A grant shows up in the ledger at once, with the name of who made it."</p>
            </div>
        </Dialog>
    }
}
