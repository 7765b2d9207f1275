//! How an agent stands at the providers that keep it.

use model::Error;
use model::events::Topic;
use model::gateways::KeptAgent;
use model::id::AgentId;

use crate::form::{FormProblem, told};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::Loaded;
use crate::settings::gateway::kept_lines;
use crate::ui::{Button, Card, Size, Skeleton, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// How an agent stands at each gateway that keeps agents.
#[server(protocol = crate::wire::Wire)]
pub async fn list_kept_agents(id: AgentId) -> Result<Vec<KeptAgent>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let kept = services::agents::kept::of_agent(&mut tx, id).await?;
    tx.commit().await?;
    Ok(kept)
}

/// Looks whether somebody changed an agent at its providers.
#[server(protocol = crate::wire::Wire)]
pub async fn compare_agent(id: AgentId) -> Result<(), Error> {
    use crate::ssr::*;
    let (db, caller) = (db()?, caller()?);
    services::agents::kept::compare(&db, &caller.actor, id).await?;
    Ok(())
}

/// The card of the agent page; nothing where no gateway keeps agents.
#[component]
pub(super) fn KeptCard(id: AgentId, editable: Signal<bool>) -> impl IntoView {
    let tick = use_topic(Topic::Agents);
    let kept = Answer::new(move || tick.get(), move || ListKeptAgents { id });
    let compare = Change::new::<CompareAgent>();
    told(compare, "Compared with what the providers have", None);
    let shown = move |rows: Signal<Vec<KeptAgent>>| {
        let card = move || {
            let rows = rows.get();
            (!rows.is_empty()).then(|| {
                let look = move || {
                    editable.get().then(|| {
                        view! {
                            <ChangeForm change=compare>
                                <input type="hidden" name="id" value=id.to_string()/>
                                <Button submit=true size=Size::Small variant=Variant::Outline busy=compare.pending()>"Compare"</Button>
                            </ChangeForm>
                        }
                    })
                };
                view! {
                    <Card
                        title="At providers"
                        scope="Published there with every publishing here. Compare tells whether somebody changed it there since."
                        actions=look
                        flush=true
                        class="mt-6"
                    >
                        {kept_lines(rows, true)}
                        <FormProblem error=compare.error() fields=&[]/>
                    </Card>
                }
            })
        };
        view! { {card} }.into_any()
    };
    view! { <Loaded resource=kept what="the agent at its providers" waiting=|| view! { <Skeleton class="mt-6 h-24"/> } view=shown/> }
}
