//! The second step of registration: what kind of company this is. Until it is chosen, the signed-in area leads here.

use icondata as i;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use model::Error;
use model::companies::CompanyType;

use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::session::{CurrentSession, Session};
use crate::ui::{AuthLayout, Button, Choice, Icon, Note, RadioCards, Tone};
use crate::wire::{Answer, Change, ChangeForm};

/// Stores the choice and leads on: to the mail that waits to be confirmed, or in.
#[server(protocol = crate::wire::Wire)]
pub async fn choose_company_type(company_type: Option<CompanyType>) -> Result<(), Error> {
    use crate::ssr::*;
    let chosen = company_type.ok_or_else(|| Error::field("company_type", "Choose what your company does."))?;
    let mut tx = begin().await?;
    services::accounts::choose_type(&mut tx, chosen).await?;
    tx.commit().await?;
    let confirmed = services::accounts::me(&db()?, &caller()?).await?.confirmed;
    redirect(if confirmed { "/" } else { "/check-mail" });
    Ok(())
}

/// `/welcome`
#[component]
pub fn WelcomePage() -> impl IntoView {
    let session = Answer::blocking(|| CurrentSession {});
    let page = move |answer: Result<Option<Session>, Error>| match answer {
        Ok(Some(session)) => view! { <Choosing now=session.me.company_type company=session.me.company_name/> },
        Ok(None) | Err(_) => view! { <Redirect path="/sign-in"/> },
    };
    view! {
        <Title text="What does your company do?"/>
        <Suspense fallback=|| ()>{move || session.get().map(page)}</Suspense>
    }
}

#[component]
fn Choosing(now: Option<CompanyType>, company: String) -> impl IntoView {
    let choose = Change::new::<ChooseCompanyType>();
    let error = choose.error();
    let wrong = problem(error, "company_type");
    let choice = |kind: CompanyType, hint: &str, icon| Choice::new(kind.as_str(), kind.label(), hint).icon(icon);
    let choices = vec![
        choice(CompanyType::Ecommerce, "Carts, orders, returns", i::LuShoppingBag),
        choice(CompanyType::Healthcare, "Appointments, reminders", i::LuHeartPulse),
        choice(CompanyType::RealEstate, "Buyers, sellers, leases", i::LuHouse),
        choice(CompanyType::Generic, "A clean start", i::LuShapes),
    ];
    view! {
        <AuthLayout
            wide=true
            title=format!("What does {company} do?")
            lead=|| "It picks the agent templates to start with. You can change it in the settings."
        >
            <ChangeForm change=choose attr:class="flex flex-col gap-5">
                <RadioCards
                    legend="Company type"
                    name="company_type"
                    quiet=true
                    class="sm:grid-cols-2"
                    value=now.map(CompanyType::as_str).unwrap_or_default()
                    choices=choices
                />
                <div role="alert" class="contents">
                    {move || wrong.get().map(|text| view! {
                        <p class="error"><Icon icon=i::LuCircleAlert class="size-3.5"/>{text}</p>
                    })}
                </div>
                <FormProblem error=error fields=&["company_type"]/>
                <Note tone=Tone::Primary icon=i::LuGift>
                    <b>"20 credits are waiting."</b> " They call the sandbox: a simulated phone network in which nobody's phone rings."
                </Note>
                <div class="flex justify-end"><Button submit=true busy=choose.pending()>"Continue"</Button></div>
            </ChangeForm>
        </AuthLayout>
    }
}
