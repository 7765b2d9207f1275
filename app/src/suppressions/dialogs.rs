//! Adding a number to the do-not-call list, and taking one off: both ask why, and the answer is recorded.

use model::Error;
use model::id::SuppressionId;

use super::Dialogs;
use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::ui::{Button, Dialog, Field, Input, Variant, use_toasts};
use crate::wire::{Change, ChangeForm};

/// Puts a number on the list.
#[server(protocol = crate::wire::Wire)]
pub async fn add_suppression(phone: String, reason: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::suppressions::add(&mut tx, &phone, &reason).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a number off the list.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_suppression(id: SuppressionId, reason: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::suppressions::remove(&mut tx, id, &reason).await?;
    tx.commit().await?;
    Ok(())
}

#[component]
pub(super) fn AddDialog(dialogs: Dialogs) -> impl IntoView {
    let add = Change::new::<AddSuppression>();
    let error = add.error();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if add.done() {
            dialogs.add.set(false);
            dialogs.changed.update(|n| *n += 1);
            toasts.success("The number is never dialed again");
        }
    });
    Effect::new(move |_| {
        if dialogs.add.get() {
            add.clear();
        }
    });
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| dialogs.add.set(false)>"Cancel"</Button>
            <Button submit=true form="suppress-form" busy=add.pending()>"Add number"</Button>
        }
    };
    view! {
        <Dialog
            open=dialogs.add
            id="suppress"
            title="Add a number"
            description="It is never dialed again, in no campaign. A call that is already ringing is hung up."
            foot=foot
        >
            <ChangeForm change=add attr:id="suppress-form" attr:class="flex flex-col gap-4">
                <Field label="Phone" name="phone" hint="With country code, or as dialed in your region." error=problem(error, "phone")>
                    <Input kind="tel" autocomplete="off"/>
                </Field>
                <Field label="Reason" name="reason" hint="Who asked for it, and how." error=problem(error, "reason")>
                    <Input autocomplete="off"/>
                </Field>
                <FormProblem error=error fields=&["phone", "reason"]/>
            </ChangeForm>
        </Dialog>
    }
}

#[component]
pub(super) fn RemoveDialog(dialogs: Dialogs) -> impl IntoView {
    let remove = Change::new::<RemoveSuppression>();
    let error = remove.error();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if remove.done() {
            dialogs.remove.set(false);
            dialogs.changed.update(|n| *n += 1);
            toasts.success("The number may be dialed again");
        }
    });
    Effect::new(move |_| {
        if dialogs.remove.get() {
            remove.clear();
        }
    });
    let title = Signal::derive(move || {
        dialogs.removing.with(|what| what.as_ref().map(|(_, phone)| format!("Let {phone} be called again?")).unwrap_or_default())
    });
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| dialogs.remove.set(false)>"Keep it"</Button>
            <Button variant=Variant::Destructive submit=true form="unsuppress-form" busy=remove.pending()>"Remove number"</Button>
        }
    };
    let id = move || dialogs.removing.with(|what| what.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default());
    view! {
        <Dialog
            open=dialogs.remove
            id="unsuppress"
            title=title
            description="Only when the person agreed to be called. The reason stays in the record with your name."
            foot=foot
        >
            <ChangeForm change=remove attr:id="unsuppress-form" attr:class="flex flex-col gap-4">
                <input type="hidden" name="id" value=id/>
                <Field label="Reason" name="reason" hint="How and when they agreed." error=problem(error, "reason")>
                    <Input autocomplete="off"/>
                </Field>
                <FormProblem error=error fields=&["reason"]/>
            </ChangeForm>
        </Dialog>
    }
}
