//! What forms do the same way: the problem of a field, the problem of no field, focus on the first bad one.

use std::collections::BTreeMap;

use model::Error;
use wasm_bindgen::JsCast;

use crate::prelude::*;
use crate::ui::{Field, Input, Note, PasswordInput, Tone, some, use_toasts};
use crate::wire::Change;

/// The problem of one field.
pub fn problem(error: Signal<Option<Error>>, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || error.with(|error| error.as_ref().and_then(|error| error.of_field(field)).map(str::to_owned)))
}

/// What was typed into a form that was refused, on the page that shows it again without scripts. Only the server provides it:
/// in a browser with scripts the fields were never emptied.
#[derive(Debug, Clone, Default)]
pub struct Typed(pub Vec<(String, String)>);

/// What was typed into one field before.
pub fn typed(name: &str) -> String {
    use_context::<Typed>()
        .and_then(|typed| typed.0.into_iter().find(|(n, _)| n == name))
        .map(|(_, text)| text)
        .unwrap_or_default()
}

/// A field that nobody fills in: what a form is about.
pub fn hidden(name: &'static str, value: impl ToString) -> AnyView {
    view! { <input type="hidden" name=name value=value.to_string()/> }
}

/// What was typed into one field before, or else what stands there at first.
pub fn typed_or(name: &str, otherwise: impl Into<String>) -> String {
    some(typed(name)).unwrap_or_else(|| otherwise.into())
}

/// Says it when a change went well, and counts on what the page is read again by, where it is by a count.
pub fn told(change: Change, says: &'static str, news: impl Into<Option<RwSignal<u32>>>) {
    let (toasts, news) = (use_toasts(), news.into());
    Effect::new(move |_| {
        if change.done() {
            toasts.success(says);
            news.into_iter().for_each(|news| news.update(|n| *n += 1));
        }
    });
}

/// A field for a password that is to be set, and what it must have.
#[component]
pub fn NewPassword(
    #[prop(default = "Password")] label: &'static str,
    #[prop(default = "password")] name: &'static str,
    error: Signal<Option<String>>,
    /// On pages without scripts there is no button that shows what was typed.
    #[prop(optional)]
    plain: bool,
    #[prop(optional)] bind: Option<RwSignal<String>>,
) -> impl IntoView {
    const AUTOCOMPLETE: &str = "new-password";
    let control = move || match (plain, bind) {
        (true, _) => view! { <Input kind="password" autocomplete=AUTOCOMPLETE/> },
        (false, Some(bind)) => view! { <PasswordInput bind=bind autocomplete=AUTOCOMPLETE/> },
        (false, None) => view! { <PasswordInput autocomplete=AUTOCOMPLETE/> },
    };
    view! {
        <Field label=label name=name hint="At least 8 characters, with a letter, a digit and a special character." error=error>
            {control()}
        </Field>
    }
}

/// What none of `fields` can show, above the buttons: a refusal, or a problem of a field that is not on this form.
#[component]
pub fn FormProblem(error: Signal<Option<Error>>, fields: &'static [&'static str]) -> impl IntoView {
    focus_first_bad(error);
    view! {
        <div role="alert" class="contents">
            {move || error.get().and_then(|error| elsewhere(error, fields)).map(|text| view! { <Note tone=Tone::Danger>{text}</Note> })}
        </div>
    }
}

fn elsewhere(error: Error, shown: &[&str]) -> Option<String> {
    match error {
        Error::Invalid { fields } => {
            let rest: BTreeMap<_, _> = fields.into_iter().filter(|(name, _)| !shown.contains(&name.as_str())).collect();
            rest.into_values().next()
        }
        other => Some(other.to_string()),
    }
}

/// Focuses the first control that is marked wrong, once the marks are on the page.
fn focus_first_bad(error: Signal<Option<Error>>) {
    Effect::new(move |_| {
        if error.with(|error| matches!(error, Some(Error::Invalid { .. }))) {
            request_animation_frame(|| {
                let bad = document().query_selector("form [aria-invalid=true]").ok().flatten();
                if let Some(bad) = bad.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
                    // Focus is a courtesy; the messages are read out anyway.
                    let _ = bad.focus();
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_field_shows_stands_above_the_buttons() {
        let bad = Error::field("email", "Enter an e-mail address.");
        assert_eq!(elsewhere(bad.clone(), &["email"]), None);
        assert_eq!(elsewhere(bad, &["name"]), Some("Enter an e-mail address.".to_owned()));
        assert_eq!(elsewhere(Error::conflict("Taken."), &["email"]), Some("Taken.".to_owned()));
    }
}
