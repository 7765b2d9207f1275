//! The agents of a company, as cards: who they are, whether they may call, and how they do.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::agents::{AgentFilter, AgentRow, AgentStatus};
use model::events::Topic;
use model::page::{Page, Paging};

use super::templates::TemplatesDialog;
use super::{StatusBadge, language};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, link, live_lines, may, opened_by, paging, permille, text, word};
use crate::ui::{
    Button, Empty, FilterBar, FilterSelect, Icon, LinkButton, Opt, PageHeader, Pager, Size, Skeleton, Variant, grouped,
};
use crate::wire::Answer;

/// One page of agents.
#[server(protocol = crate::wire::Wire)]
pub async fn list_agents(filter: AgentFilter) -> Result<Page<AgentRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::agents::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> AgentFilter {
    AgentFilter { search: text(query, "q"), status: word(query, "status"), paging: paging(query) }
}

fn href(filter: &AgentFilter) -> String {
    let page = filter.paging.page;
    let page = if page > 1 { page.to_string() } else { String::new() };
    link("/agents", &[("q", &filter.search), ("status", filter.status.map_or("", AgentStatus::as_str)), ("page", &page)])
}

/// `/agents`
#[component]
pub fn AgentsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Agents);
    let page = Answer::new(move || tick.get(), move || ListAgents { filter: filter.get() });
    let manage = may(Permission::ManageAgents);
    let choosing = opened_by("templates");
    view! {
        <Title text="Agents"/>
        <PageHeader title="Agents" description="Who speaks for you: voice, script, and how well each one does.">
            {move || manage.get().then(|| view! {
                <Button icon=icondata::LuPlus on:click=move |_| choosing.set(true)>"New agent"</Button>
            })}
        </PageHeader>
        {move || bar(filter.get())}
        <Loaded resource=page what="the agents" waiting=waiting view=move |page| listing(page, filter, choosing, manage)/>
        <TemplatesDialog open=choosing/>
    }
}

const GRID: &str = "grid gap-6 sm:grid-cols-2 xl:grid-cols-3";

fn waiting() -> impl IntoView {
    let cards = (0..6).map(|_| view! { <Skeleton class="h-52"/> }).collect_view();
    view! { <div class=GRID role="status" aria-label="Loading">{cards}</div> }
}

fn bar(filter: AgentFilter) -> impl IntoView {
    let statuses =
        std::iter::once(Opt::new("", "Any")).chain(AgentStatus::ALL.iter().map(|s| Opt::new(s.as_str(), s.label()))).collect();
    let filtered = !filter.search.is_empty() || filter.status.is_some();
    view! {
        <FilterBar action="/agents" label="Filter agents" search=filter.search.clone() placeholder="Search agents" clear_href=if filtered { "/agents" } else { "" }>
            <FilterSelect label="Status" name="status" options=statuses value=filter.status.map_or("", AgentStatus::as_str)/>
        </FilterBar>
    }
}

fn listing(page: Signal<Page<AgentRow>>, filter: Memo<AgentFilter>, choosing: RwSignal<bool>, manage: Signal<bool>) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging, page.pages(), page.total)));
    let cards = move || {
        view! {
            <ul class=GRID>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { <AgentCard row=row/> })}
            </ul>
            {move || {
                let (paging, pages, total) = pager.get();
                let to = Callback::new(move |page| filter.with_untracked(|f| href(&AgentFilter { paging: Paging { page, ..paging }, ..f.clone() })));
                (pages > 1).then(|| view! { <div class="mt-6 rounded-lg border bg-card"><Pager page=paging.page per_page=paging.per_page total=total href=to/></div> })
            }}
        }
    };
    let nothing = move || {
        if filter.with(|f| !f.search.is_empty() || f.status.is_some()) {
            return view! {
                <div class="card">
                    <Empty icon=icondata::LuSearchX title="No agent matches" text="Try another name or status.">
                        <LinkButton href="/agents" variant=Variant::Outline>"Show all agents"</LinkButton>
                    </Empty>
                </div>
            };
        }
        let action = manage.get().then(|| view! { <Button icon=icondata::LuLayoutTemplate on:click=move |_| choosing.set(true)>"Choose a template"</Button> });
        view! {
            <div class="card">
                <Empty icon=icondata::LuBot title="No agents yet" text="An agent is the voice of your campaigns. A template gives you one in a minute.">{action}</Empty>
            </div>
        }
    };
    view! { {move || if empty.get() { nothing() } else { cards() }} }
}

#[component]
fn AgentCard(row: Memo<AgentRow>) -> impl IntoView {
    let id = row.with_untracked(|row| row.id);
    let read = move |f: fn(&AgentRow) -> String| move || row.with(f);
    let figure = |label: &'static str, value: AnyView| {
        view! {
            <div class="min-w-0">
                <dt class="text-xs text-muted-foreground">{label}</dt>
                <dd class="truncate font-semibold tabular-nums">{value}</dd>
            </div>
        }
    };
    let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    view! {
        <li class="card">
            <div class="flex items-start gap-3 px-5 pt-4">
                <span class="avatar size-10 bg-primary-subtle! text-primary!" aria-hidden="true"><Icon icon=icondata::LuAudioLines class="size-[18px]"/></span>
                <div class="min-w-0 flex-1">
                    <div class="flex items-center gap-3">
                        <h2 class="min-w-0 flex-1 truncate font-semibold"><a class="hover:underline" href=format!("/agents/{id}")>{read(|r| r.name.clone())}</a></h2>
                        <StatusBadge status=Signal::derive(move || row.with(|r| r.status)) version=Signal::derive(move || row.with(|r| r.version))/>
                    </div>
                    <p class="truncate text-sm text-muted-foreground">{read(|r| r.role.clone())}</p>
                </div>
            </div>
            <p class="flex flex-wrap gap-x-4 gap-y-1 px-5 pt-3 text-sm text-muted-foreground">
                <span class="flex items-center gap-1.5"><Icon icon=icondata::LuLanguages class="size-3.5"/>{read(|r| language(&r.language))}</span>
                {move || Some(row.with(|r| r.voice.clone())).filter(|voice| !voice.is_empty()).map(|voice| view! {
                    <span class="flex items-center gap-1.5"><Icon icon=icondata::LuVolume2 class="size-3.5"/>{voice}</span>
                })}
            </p>
            <dl class="grid grid-cols-2 gap-4 px-5 pt-3 pb-4">
                {figure("Calls", read(|r| grouped(r.calls)).into_any())}
                {figure("Connect rate", (move || dash(row.with(|r| r.connect_permille.map(permille).unwrap_or_default()))).into_any())}
            </dl>
            <div class="card-foot py-2.5">
                <span>{read(|r| format!("Changed {}", r.updated_at.short()))}</span>
                <LinkButton href=format!("/agents/{id}") variant=Variant::Ghost size=Size::Small icon=icondata::LuPencil>
                    "Open"<span class="sr-only">" " {read(|r| r.name.clone())}</span>
                </LinkButton>
            </div>
        </li>
    }
}
