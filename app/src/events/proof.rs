//! Whether the record holds: everything is recomputed from the first event on. A plain page.

use model::Error;
use model::events::Chain;

use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::count;
use crate::ui::{Crumb, Note, Tone};
use crate::wire::Answer;

/// Recomputes every hash of the caller's company.
#[server(protocol = crate::wire::Wire)]
pub async fn verify_events() -> Result<Chain, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let chain = services::events::chain::verify(&mut tx).await?;
    tx.commit().await?;
    Ok(chain)
}

/// `/events/proof`
#[component]
pub fn ProofPage() -> impl IntoView {
    let answer = Answer::blocking(|| VerifyEvents {});
    answered(answer, TITLE, crumbs(), |chain| {
        view! {
            <PlainPage title=TITLE description="Each block of events carries the hash of the block before." crumbs=crumbs()>
                {verdict(chain)}
            </PlainPage>
        }
    })
}

const TITLE: &str = "The record";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Events", "/events")]
}

fn verdict(chain: Chain) -> AnyView {
    if chain.problems.is_empty() {
        let (events, blocks) = (count(chain.events, "event", "events"), count(chain.blocks, "block", "blocks"));
        let text = format!("{events} in {blocks} were recomputed, and every hash matches.");
        let waiting = (chain.waiting > 0).then(|| {
            format!(" {} of the last hour or so will be sealed with the next block.", count(chain.waiting, "event", "events"))
        });
        let head = chain.head.map(|head| {
            view! { <p class="text-sm text-muted-foreground">"Fingerprint of the newest block: " <code class="break-all">{head}</code></p> }
        });
        view! {
            <Note tone=Tone::Success><b class="font-semibold">"The record holds. "</b>{text}{waiting}</Note>
            {head}
        }
    } else {
        let list = chain.problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view();
        view! {
            <Note tone=Tone::Danger>
                <p><b class="font-semibold">"The record does not hold. "</b>"Something was changed after it was written. Send this to support."</p>
                <ul class="mt-2 list-disc ps-5">{list}</ul>
            </Note>
        }
    }
}
