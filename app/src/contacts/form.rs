//! The dialog that adds or edits a contact.

use model::Error;
use model::contacts::{ContactForm, ContactRow};
use model::id::ContactId;

use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::ui::{Button, Dialog, DialogSize, Field, Input, Textarea, Variant, use_toasts};
use crate::wire::{Change, ChangeForm};

/// Adds a contact (without `id`) or saves one.
#[server(protocol = crate::wire::Wire)]
pub async fn save_contact(id: Option<ContactId>, form: ContactForm) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    match id {
        Some(id) => services::contacts::edit(&mut tx, id, &form).await?,
        None => drop(services::contacts::create(&mut tx, &form).await?),
    }
    tx.commit().await?;
    Ok(())
}

const FIELDS: &[&str] = &["name", "phone", "email", "company", "time_zone", "segment", "notes"];
const FORM: &str = "contact-form";

/// Adds when `editing` is empty. `changed` counts what was saved.
#[component]
pub fn ContactDialog(
    open: RwSignal<bool>,
    editing: RwSignal<Option<ContactRow>>,
    #[prop(into)] segments: Signal<Vec<String>>,
    changed: RwSignal<u32>,
) -> impl IntoView {
    let save = Change::new::<SaveContact>();
    let error = save.error();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if save.done() {
            open.set(false);
            changed.update(|n| *n += 1);
            toasts.success(if editing.with_untracked(Option::is_some) { "Contact saved" } else { "Contact added" });
        }
    });
    // Each opening starts without the problems of the last one.
    Effect::new(move |_| {
        if open.get() {
            save.clear();
        }
    });
    let title = Signal::derive(move || if editing.with(Option::is_some) { "Edit contact" } else { "New contact" }.to_owned());
    let verb = move || if editing.with(Option::is_some) { "Save contact" } else { "Add contact" };
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| open.set(false)>"Cancel"</Button>
            <Button submit=true form=FORM busy=save.pending()>{move || verb()}</Button>
        }
    };
    view! {
        <Dialog open=open id="contact" title=title size=DialogSize::Medium sticky=true foot=foot>
            <ChangeForm change=save attr:id=FORM attr:class="flex flex-col gap-4" attr:novalidate=true>
                {fields(editing.get_untracked(), error, segments)}
                <FormProblem error=error fields=FIELDS/>
            </ChangeForm>
        </Dialog>
    }
}

fn fields(row: Option<ContactRow>, error: Signal<Option<Error>>, segments: Signal<Vec<String>>) -> AnyView {
    let id = row.as_ref().map(|row| view! { <input type="hidden" name="id" value=row.id.to_string()/> });
    let row = StoredValue::new(row);
    let of = move |read: fn(&ContactRow) -> &String| {
        row.with_value(|row| row.as_ref().map(|row| read(row).clone())).unwrap_or_default()
    };
    view! {
        {id}
        <div class="grid gap-4 sm:grid-cols-2">
            <Field label="Name" name="form[name]" error=problem(error, "name")>
                <Input value=of(|r| &r.name) autocomplete="off"/>
            </Field>
            <Field label="Phone" name="form[phone]" hint="With country code, or as dialed in your region." error=problem(error, "phone")>
                <Input kind="tel" value=of(|r| &r.phone) autocomplete="off"/>
            </Field>
            <Field label="E-mail" name="form[email]" optional=true error=problem(error, "email")>
                <Input kind="email" value=of(|r| &r.email) autocomplete="off"/>
            </Field>
            <Field label="Company" name="form[company]" optional=true error=problem(error, "company")>
                <Input value=of(|r| &r.company) autocomplete="off"/>
            </Field>
            <Field label="Segment" name="form[segment]" optional=true hint="Campaigns can call one segment." error=problem(error, "segment")>
                <Input value=of(|r| &r.segment) autocomplete="off" attr:list="contact-segments"/>
            </Field>
            <Field
                label="Time zone"
                name="form[time_zone]"
                optional=true
                hint="Like America/New_York. Empty: derived from the number."
                error=problem(error, "time_zone")
            >
                <Input value=of(|r| &r.time_zone) autocomplete="off"/>
            </Field>
        </div>
        <Field label="Notes" name="form[notes]" optional=true error=problem(error, "notes")>
            <Textarea value=of(|r| &r.notes) rows=3/>
        </Field>
        <datalist id="contact-segments">
            {move || segments.get().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
        </datalist>
    }
}
