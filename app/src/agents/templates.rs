//! The gallery of predefined agents. Using one copies it; the copy is then edited and published like any other.

use leptos_router::hooks::use_navigate;
use model::Error;
use model::agents::Template;
use model::id::{AgentId, TemplateId};

use super::language;
use crate::prelude::*;
use crate::screen::failed;
use crate::ui::{Button, Dialog, DialogSize, Empty, Icon, Size, SkeletonText, Variant, use_toasts};
use crate::wire::Late;

/// Templates for this company's type, and the general ones.
#[server(protocol = crate::wire::Wire)]
pub async fn list_templates() -> Result<Vec<Template>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let templates = services::agents::templates(&mut tx).await?;
    tx.commit().await?;
    Ok(templates)
}

/// Copies a template into a new agent; without one, an agent with the shortest script that can be published.
#[server(protocol = crate::wire::Wire)]
pub async fn create_agent(template: Option<TemplateId>) -> Result<AgentId, Error> {
    use crate::ssr::*;
    use model::agents::{AgentForm, Scripts};
    let mut tx = begin().await?;
    let language = services::companies::defaults(&mut tx).await?.language;
    let blank = || AgentForm {
        name: "New agent".to_owned(),
        role: "Caller".to_owned(),
        persona: String::new(),
        tone: "Warm and brief".to_owned(),
        language,
        voice: String::new(),
        scripts: Scripts {
            greeting: "Hello {{name}}, this is {{agent}}, an AI assistant calling for {{company}}.".to_owned(),
            main: "Say what you are calling about. Press 1 to hear more, or 9 and we will not call again.".to_owned(),
            voicemail: "Hello {{name}}, this is {{agent}} from {{company}}. We will try again another time.".to_owned(),
            closing: "Thank you, goodbye.".to_owned(),
        },
        voice_gateway: None,
        voice_id: String::new(),
    };
    let id = match template {
        Some(template) => services::agents::create_from(&mut tx, template).await?,
        None => services::agents::create(&mut tx, &blank()).await?,
    };
    tx.commit().await?;
    Ok(id)
}

/// Choose a template, or start from scratch.
#[component]
pub fn TemplatesDialog(open: RwSignal<bool>) -> impl IntoView {
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let busy = RwSignal::new(None::<Option<TemplateId>>);
    let create = Callback::new(move |template: Option<TemplateId>| {
        if busy.get_untracked().is_some() {
            return;
        }
        busy.set(Some(template));
        let navigate = navigate.clone();
        leptos::task::spawn_local(async move {
            let answer = create_agent(template).await;
            busy.set(None);
            match answer {
                Ok(id) => {
                    open.set(false);
                    navigate(&format!("/agents/{id}"), Default::default());
                }
                Err(error) => toasts.error(error.to_string()),
            }
        });
    });
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| open.set(false)>"Close"</Button>
            <Button variant=Variant::Outline busy=Signal::derive(move || busy.get() == Some(None)) on:click=move |_| create.run(None)>
                "Start from scratch"
            </Button>
        }
    };
    // The dialog's body exists only while it is open, so this asks when it opens.
    let shown = move || {
        let templates = Late::new(|| Some(ListTemplates {}));
        move || match templates.get() {
            None => view! { <SkeletonText lines=8/> },
            Some(Err(error)) => failed(&error, "the templates", Callback::new(move |()| templates.refetch())),
            Some(Ok(list)) if list.is_empty() => view! {
                <Empty icon=icondata::LuLayoutTemplate title="No templates" text="Start from scratch; you can copy the agent later."/>
            },
            Some(Ok(list)) => {
                let cards = list.into_iter().map(|template| card(template, busy, create)).collect_view();
                view! { <ul class="grid gap-4 sm:grid-cols-2">{cards}</ul> }
            }
        }
    };
    view! {
        <Dialog
            open=open
            id="templates"
            title="Agent templates"
            description="Each has a greeting, a script, a voicemail and a goodbye. The copy is yours to change."
            size=DialogSize::Large
            foot=foot
            consequence="The copy starts as a draft; nothing is called."
        >
            {move || shown()}
        </Dialog>
    }
}

fn card(template: Template, busy: RwSignal<Option<Option<TemplateId>>>, create: Callback<Option<TemplateId>>) -> impl IntoView {
    let id = template.id;
    let form = template.form;
    let name = form.name.clone();
    view! {
        <li class="flex flex-col rounded-lg border bg-card p-4">
            <div class="flex items-start gap-3">
                <span class="avatar square size-9" aria-hidden="true"><Icon icon=icondata::LuAudioLines/></span>
                <div class="min-w-0 flex-1">
                    <h3 class="font-semibold">{form.name}</h3>
                    <p class="text-sm text-muted-foreground">{form.role}</p>
                </div>
            </div>
            <p class="mt-3 flex-1 text-sm">{template.summary}</p>
            <div class="mt-3 flex items-center justify-between gap-3">
                <span class="text-xs text-muted-foreground">{template.company_type.label()} " · " {language(&form.language)}</span>
                <Button size=Size::Small busy=Signal::derive(move || busy.get() == Some(Some(id))) on:click=move |_| create.run(Some(id))>
                    "Use template" <span class="sr-only">" " {name}</span>
                </Button>
            </div>
        </li>
    }
}
