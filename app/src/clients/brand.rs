//! How one's own company shows itself to its clients: a colour and a picture. A picture is posted to `/clients/logo`, which leads
//! back here.

use model::Error;
use model::clients::Brand;

use crate::form::{FormProblem, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Button, Card, Crumb, Field, Input, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// The brand as it is.
#[server(protocol = crate::wire::Wire)]
pub async fn load_brand() -> Result<Option<Brand>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let brand = services::clients::brands::load(&mut tx).await?;
    tx.commit().await?;
    Ok(brand)
}

/// Chooses the colour.
#[server(protocol = crate::wire::Wire)]
pub async fn choose_color(color: String) -> Result<(), Error> {
    use crate::ssr::*;
    let saved = async {
        let mut tx = begin().await?;
        services::clients::brands::choose_color(&mut tx, &color).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| keep_typed(&[("color", &color)]))?;
    redirect_saying("/clients/brand", "Colour saved.");
    Ok(())
}

/// Shows no brand any more.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_brand() -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::clients::brands::remove(&mut tx).await?;
    tx.commit().await?;
    redirect_saying("/clients/brand", "Removed.");
    Ok(())
}

/// `/clients/brand`
#[component]
pub fn BrandPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadBrand {});
    let (choose, remove) = (Change::new::<ChooseColor>(), Change::new::<RemoveBrand>());
    answered(answer, TITLE, crumbs(), move |brand| shown(brand, choose, remove))
}

const TITLE: &str = "How clients see you";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Your clients", "/clients")]
}

fn shown(brand: Option<Brand>, choose: Change, remove: Change) -> AnyView {
    let error = choose.error();
    let logo = brand.as_ref().and_then(|brand| brand.logo.clone());
    let logo = logo.map(|logo| view! { <img class="h-10 self-start" src=logo alt="Your picture"/> });
    let reset = brand.is_some().then(|| {
        view! {
            <ChangeForm change=remove>
                <Button submit=true variant=Variant::Destructive>"Remove colour and picture"</Button>
            </ChangeForm>
        }
    });
    let now = brand.map(|brand| brand.color).unwrap_or_default();
    view! {
        <PlainPage title=TITLE description="In the frame around every page of yours and of your clients." crumbs=crumbs()>
            <ChangeForm change=choose attr:novalidate=true><Card title="Colour"><div class="flex flex-col gap-4">
                <Field
                    label="Colour"
                    name="color"
                    hint="Like #1f5f8b. White text must be readable on it."
                    error=problem(error, "color")
                >
                    <Input value=typed_or("color", now) autocomplete="off"/>
                </Field>
                <FormProblem error=error fields=&["color", "file"]/>
                <div><Button submit=true>"Save colour"</Button></div>
            </div></Card></ChangeForm>
            <form method="post" action="/clients/logo" enctype="multipart/form-data"><Card title="Picture"><div class="flex flex-col gap-4">
                {logo}
                <Field
                    label="Picture"
                    name="file"
                    hint="PNG, JPEG or WebP, up to 256 kB and 1024 by 1024 pixels. What a camera adds is left out."
                    error=problem(error, "file")
                >
                    <Input kind="file"/>
                </Field>
                <div><Button submit=true>"Upload"</Button></div>
            </div></Card></form>
            <FormProblem error=remove.error() fields=&[]/>
            {reset}
        </PlainPage>
    }
}
