//! What one is told by mail in this company, and below how many credits. A plain page.

use model::Error;
use model::credits::Credits;
use model::notices::{NoticeChoices, NoticeKind};

use crate::form::{FormProblem, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Button, Card, Checkbox, Crumb, Field, Input, Note, Tone};
use crate::wire::{Answer, Change, ChangeForm};

/// What one is told here.
#[server(protocol = crate::wire::Wire)]
pub async fn load_notices() -> Result<NoticeChoices, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let choices = services::notices::choices(&mut tx).await?;
    tx.commit().await?;
    Ok(choices)
}

/// Chooses what one is told from now on.
#[server(protocol = crate::wire::Wire)]
pub async fn choose_notices(#[server(default)] wanted: Vec<NoticeKind>) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::notices::choose(&mut tx, &wanted).await?;
    tx.commit().await?;
    redirect_saying("/account/notices", "Choice saved.");
    Ok(())
}

/// Sets, for everybody, below how many credits they are low.
#[server(protocol = crate::wire::Wire)]
pub async fn set_credits_low(credits_low: String) -> Result<(), Error> {
    use crate::ssr::*;
    let saved = async {
        let low = Credits::parse(&credits_low).ok_or_else(|| Error::field("credits_low", "Enter a number like 5 or 12.5."))?;
        let mut tx = begin().await?;
        services::notices::set_credits_low(&mut tx, low).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| keep_typed(&[("credits_low", &credits_low)]))?;
    redirect_saying("/account/notices", "Amount saved.");
    Ok(())
}

/// `/account/notices`
#[component]
pub fn NoticesPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadNotices {});
    let (choose, set) = (Change::new::<ChooseNotices>(), Change::new::<SetCreditsLow>());
    answered(answer, TITLE, crumbs(), move |choices| shown(choices, choose, set))
}

const TITLE: &str = "Letters";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Your account", "/account")]
}

fn shown(choices: NoticeChoices, choose: Change, set: Change) -> AnyView {
    let NoticeChoices { company_name, is_told, wanted, credits_low, may_set } = choices;
    let nobody = (!is_told).then(|| {
        view! { <Note tone=Tone::Info>"Only administrators of a company get these letters. Your choice waits until you are one."</Note> }
    });
    let lines = wanted
        .into_iter()
        .enumerate()
        .map(|(n, (kind, wanted))| {
            view! { <Checkbox label=kind.label() name=format!("wanted[{n}]") value=kind.as_str() checked=wanted/> }
        })
        .collect_view();
    let error = set.error();
    let first = typed_or("credits_low", credits_low.to_string().replace(',', ""));
    let low = may_set.then(|| {
        view! {
            <ChangeForm change=set attr:novalidate=true><Card title="Low credits"><div class="flex flex-col gap-4">
                <Field
                    label="Tell administrators below"
                    name="credits_low"
                    hint="Credits that are available. Said once each time they run low; 0 tells nobody."
                    error=problem(error, "credits_low")
                >
                    <Input value=first inputmode="decimal" autocomplete="off"/>
                </Field>
                <FormProblem error=error fields=&["credits_low"]/>
                <div><Button submit=true>"Save amount"</Button></div>
            </div></Card></ChangeForm>
        }
    });
    view! {
        <PlainPage
            title=TITLE
            description="What you are told by mail when it happens. Letters about your own account always come."
            crumbs=crumbs()
        >
            <ChangeForm change=choose><Card title=format!("In {company_name}")><div class="flex flex-col gap-4">
                {nobody}
                {lines}
                <FormProblem error=choose.error() fields=&[]/>
                <div><Button submit=true>"Save choice"</Button></div>
            </div></Card></ChangeForm>
            {low}
        </PlainPage>
    }
}
