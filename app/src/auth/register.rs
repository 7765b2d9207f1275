//! Create an account and a company. The rules of `Register::check` run in the browser when a field is left, and again in
//! the verb.

use leptos::ev;

use leptos_meta::Title;
use model::Error;
use model::accounts::Register;
use wasm_bindgen::JsCast;

use super::promise;
use crate::form::{FormProblem, NewPassword, problem, typed};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input};
use crate::wire::{Change, ChangeForm};

/// Creates user and company, signs in, and leads to the choice of a company type.
#[server(protocol = crate::wire::Wire)]
pub async fn open_account(form: Register) -> Result<(), Error> {
    use crate::ssr::*;
    let db = db()?;
    services::accounts::register(&db, &form, &client()).await.inspect_err(|_| {
        keep_typed(&[("name", &form.name), ("email", &form.email), ("company_name", &form.company_name)]);
    })?;
    let token = services::accounts::sign_in(&db, &form.email, &form.password, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect("/welcome");
    Ok(())
}

const FIELDS: &[&str] = &["name", "email", "password", "company_name"];

/// What is typed, and which fields were left already.
#[derive(Clone, Copy)]
struct Draft {
    name: RwSignal<String>,
    email: RwSignal<String>,
    password: RwSignal<String>,
    company_name: RwSignal<String>,
    left: RwSignal<Vec<String>>,
}

impl Draft {
    fn new() -> Self {
        let text = |name: &str| RwSignal::new(typed(name));
        let password = RwSignal::new(String::new());
        Self {
            name: text("name"),
            email: text("email"),
            password,
            company_name: text("company_name"),
            left: RwSignal::new(Vec::new()),
        }
    }

    /// What is wrong with a field that was left; what was never touched is not blamed.
    fn problem(self, field: &str) -> Option<String> {
        let left = self.left.with(|left| left.iter().any(|name| name.ends_with(&format!("[{field}]"))));
        let form = Register {
            name: self.name.get(),
            email: self.email.get(),
            password: self.password.get(),
            company_name: self.company_name.get(),
            time_zone: String::new(),
        };
        left.then(|| form.check().err().and_then(|error| error.of_field(field).map(str::to_owned))).flatten()
    }

    fn leave(self, event: &ev::FocusEvent) {
        let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        // An empty field that is only passed by is no mistake yet.
        if let Some(input) = input.filter(|input| !input.value().is_empty() && !input.name().is_empty()) {
            self.left.update(|left| left.push(input.name()));
        }
    }
}

/// Where the browser thinks it is: `America/New_York`.
fn browser_zone() -> Option<String> {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    js_sys::Reflect::get(&format.resolved_options(), &"timeZone".into()).ok()?.as_string()
}

/// `/register`
#[component]
pub fn RegisterPage() -> impl IntoView {
    let register = Change::new::<OpenAccount>();
    let error = register.error();
    let draft = Draft::new();
    let zone = RwSignal::new(String::new());
    Effect::new(move |_| zone.set(browser_zone().unwrap_or_default()));
    let told = move |field: &'static str| {
        let server = problem(error, field);
        Signal::derive(move || draft.problem(field).or_else(|| server.get()))
    };
    view! {
        <Title text="Create an account"/>
        <AuthLayout
            title="Create an account"
            lead=|| view! { "20 credits are waiting, no card needed. Have one? " <a class="link" rel="external" href="/sign-in">"Sign in"</a> }
            aside=promise
        >
            <ChangeForm change=register attr:class="flex flex-col gap-4" attr:novalidate=true on:focusout=move |event| draft.leave(&event)>
                <input type="hidden" name="form[time_zone]" value=zone/>
                <Field label="Your name" name="form[name]" error=told("name")>
                    <Input bind=draft.name autocomplete="name"/>
                </Field>
                <Field label="Work e-mail" name="form[email]" error=told("email")>
                    <Input kind="email" bind=draft.email autocomplete="username"/>
                </Field>
                <NewPassword name="form[password]" error=told("password") bind=draft.password/>
                <Field label="Company name" name="form[company_name]" error=told("company_name")>
                    <Input bind=draft.company_name autocomplete="organization"/>
                </Field>
                <FormProblem error=error fields=FIELDS/>
                <Button submit=true class="w-full" busy=register.pending()>"Create account"</Button>
            </ChangeForm>
        </AuthLayout>
    }
}
