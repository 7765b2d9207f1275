//! Verifying the ledger: everything is recomputed from the first movement on, and the result is said in words that
//! somebody who pays understands.

use model::Error;
use model::credits::Proof;

use crate::prelude::*;
use crate::ui::{Button, CopyButton, Note, Size, Tone, Variant, grouped};

/// Recomputes every hash and every balance of the caller's company.
#[server(protocol = crate::wire::Wire)]
pub async fn verify_ledger() -> Result<Proof, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let proof = services::credits::verify(&mut tx).await?;
    tx.commit().await?;
    Ok(proof)
}

/// What is known about the ledger: nothing until somebody asks.
pub(super) type Verdict = RwSignal<Option<Result<Proof, Error>>>;

/// Asks, and puts the answer into `verdict`.
#[component]
pub(super) fn VerifyButton(verdict: Verdict) -> impl IntoView {
    let busy = RwSignal::new(false);
    let ask = move |_| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = verify_ledger().await;
            busy.set(false);
            verdict.set(Some(answer));
        });
    };
    let label = move || if verdict.with(Option::is_some) { "Verify again" } else { "Verify" };
    view! { <Button variant=Variant::Outline size=Size::Small icon=icondata::LuShieldCheck busy=busy on:click=ask>{move || label()}</Button> }
}

/// The answer, where the eye is.
#[component]
pub(super) fn VerdictNote(verdict: Verdict) -> impl IntoView {
    move || {
        let problems = match verdict.get()? {
            Err(error) => {
                return Some(view! { <Note tone=Tone::Warning live=true class="mx-5 mb-4">{error.to_string()}</Note> });
            }
            Ok(proof) if proof.problems.is_empty() => return Some(holds(&proof)),
            Ok(proof) => proof.problems,
        };
        Some(broken(problems))
    }
}

fn holds(proof: &Proof) -> AnyView {
    let said = sentence(proof);
    let head = proof.head.clone().map(|head| {
        let short: String = head.chars().take(16).collect();
        view! {
            <p class="mt-1 flex flex-wrap items-center gap-2 text-xs text-muted-foreground">
                "Fingerprint of the newest block, which stands for everything before it:"
                <CopyButton text=head label=short class="font-mono text-xs"/>
            </p>
        }
    });
    view! {
        <Note tone=Tone::Success icon=icondata::LuBadgeCheck live=true class="mx-5 mb-4">
            <p><b class="font-semibold">"The ledger holds. "</b>{said}</p>
            {head}
        </Note>
    }
}

/// `1,204 movements in 310 blocks were recomputed; every hash and every balance matches.`
fn sentence(proof: &Proof) -> String {
    let waiting = match proof.waiting {
        0 => String::new(),
        1 => " 1 movement of the last moment waits for its block.".to_owned(),
        n => format!(" {} movements of the last moment wait for their block.", grouped(n)),
    };
    let (movements, blocks) = (grouped(proof.movements), grouped(proof.blocks));
    format!("{movements} movements in {blocks} blocks were recomputed; every hash and every balance matches.{waiting}")
}

fn broken(problems: Vec<String>) -> AnyView {
    let list = problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view();
    view! {
        <Note tone=Tone::Danger live=true class="mx-5 mb-4">
            <p>
                <b class="font-semibold">"The ledger does not hold. "</b>
                "Something was changed after it was written. Send this to support; do not top up until it is explained."
            </p>
            <ul class="mt-2 list-disc ps-5">{list}</ul>
        </Note>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_what_was_recomputed_and_what_waits() {
        let proof = Proof { movements: 131_906, blocks: 48_219, ..Proof::default() };
        assert_eq!(sentence(&proof), "131,906 movements in 48,219 blocks were recomputed; every hash and every balance matches.");
        assert!(sentence(&Proof { waiting: 1, ..proof.clone() }).ends_with("1 movement of the last moment waits for its block."));
        assert!(
            sentence(&Proof { waiting: 1_200, ..proof }).ends_with("1,200 movements of the last moment wait for their block.")
        );
    }
}
