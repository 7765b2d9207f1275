//! One agent: its editor with a preview that speaks along, and what may be done to it.

use leptos_meta::Title;
use model::Error;
use model::accounts::Permission;
use model::agents::{Agent, AgentForm, AgentStatus};
use model::events::Topic;
use model::id::AgentId;

use super::StatusBadge;
use super::editor::Editor;
use super::kept::KeptCard;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, by_id, may, title};
use crate::ui::{Button, ConfirmDialog, Crumb, LinkButton, Menu, MenuItem, PageHeader, Skeleton, Variant, use_toasts};
use crate::wire::Answer;

/// An agent with everything its editor shows.
#[server(protocol = crate::wire::Wire)]
pub async fn load_agent(id: AgentId) -> Result<Agent, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let agent = services::agents::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(agent)
}

/// Saves the draft of an agent; callers hear it after it is published.
#[server(protocol = crate::wire::Wire)]
pub async fn save_agent(id: AgentId, form: AgentForm) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::edit(&mut tx, id, &form).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the saved script the one that is spoken from the next call on.
#[server(protocol = crate::wire::Wire)]
pub async fn publish_agent(id: AgentId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::publish(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes an agent out of every choice.
#[server(protocol = crate::wire::Wire)]
pub async fn archive_agent(id: AgentId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::archive(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// `/agents/:id`
#[component]
pub fn AgentPage() -> impl IntoView {
    by_id("Agent", "agent", one)
}

fn one(id: AgentId) -> AnyView {
    let tick = use_topic(Topic::Agents);
    let changed = RwSignal::new(0_u32);
    let agent = Answer::new(move || tick.get() + changed.get(), move || LoadAgent { id });
    view! { <Loaded resource=agent what="the agent" heading="Agent" waiting=waiting view=move |agent| page(agent, changed)/> }
}

fn waiting() -> impl IntoView {
    view! {
        <div class="page-head" role="status" aria-label="Loading">
            <div class="flex flex-col gap-3"><Skeleton class="h-4 w-32"/><Skeleton class="h-7 w-56"/></div>
        </div>
        <div class="grid gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]"><Skeleton class="h-[32rem]"/><Skeleton class="h-72"/></div>
    }
}

fn page(agent: Signal<Agent>, changed: RwSignal<u32>) -> AnyView {
    let id = agent.with_untracked(|a| a.id);
    let name = Signal::derive(move || agent.with(|a| a.form.name.clone()));
    let status = Memo::new(move |_| agent.with(|a| a.status));
    let version = Memo::new(move |_| agent.with(|a| a.version));
    let manage = may(Permission::ManageAgents);
    let editable: Signal<bool> = Memo::new(move |_| manage.get() && status.get() != AgentStatus::Archived).into();
    view! {
        <Title text=title(name)/>
        <PageHeader
            title=name
            description=Signal::derive(move || agent.with(|a| a.form.role.clone()))
            crumbs=vec![Crumb::new("Agents", "/agents")]
            beside=move || view! { <StatusBadge status=status version=version/> }
        >
            <LinkButton href=format!("/knowledge?agent={id}") external=true variant=Variant::Outline>"Knowledge"</LinkButton>
            {move || editable.get().then(|| view! { <Actions id=id name=name version=version changed=changed/> })}
        </PageHeader>
        <Editor agent=agent editable=editable changed=changed/>
        <KeptCard id=id editable=editable/>
    }
}

/// Publish, and archive behind a question.
#[component]
fn Actions(id: AgentId, name: Signal<String>, version: Memo<i32>, changed: RwSignal<u32>) -> impl IntoView {
    let toasts = use_toasts();
    let (busy, asking, error) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(None::<String>));
    let publish = move |_| {
        let name = name.get_untracked();
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = publish_agent(id).await;
            busy.set(false);
            match answer {
                Ok(()) => {
                    toasts.success(format!("{name} is published"));
                    changed.update(|n| *n += 1);
                }
                Err(error) => toasts.error(error.to_string()),
            }
        });
    };
    let archive = move |()| {
        let name = name.get_untracked();
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = archive_agent(id).await;
            busy.set(false);
            match answer {
                Ok(()) => {
                    toasts.success(format!("{name} is archived"));
                    asking.set(false);
                    changed.update(|n| *n += 1);
                }
                Err(problem) => error.set(Some(problem.to_string())),
            }
        });
    };
    let label = move || if version.get() == 0 { "Publish" } else { "Publish changes" };
    view! {
        <Button variant=Variant::Outline icon=icondata::LuRocket busy=busy on:click=publish>{move || label()}</Button>
        <Menu id="agent-menu" label="More actions" class="btn btn-outline btn-icon">
            <MenuItem label="Archive…" icon=icondata::LuArchive danger=true on:click=move |_| {
                error.set(None);
                asking.set(true);
            }/>
        </Menu>
        <ConfirmDialog
            open=asking
            id="archive-agent"
            title=Signal::derive(move || format!("Archive {}?", name.get()))
            description="It can no longer be chosen for a campaign. Calls it made stay as they are."
            confirm="Archive agent"
            busy=busy
            error=error
            on_confirm=Callback::new(archive)
        />
    }
}
