//! How one's own company shows itself to its clients: a colour and a picture. A picture is posted to `/clients/logo`, which leads
//! back here.

use leptos_meta::Title;
use model::Error;
use model::clients::Brand;

use crate::form::{FormProblem, problem, typed_or};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone, Variant};
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
    redirect("/clients/brand");
    Ok(())
}

/// Shows no brand any more.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_brand() -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::clients::brands::remove(&mut tx).await?;
    tx.commit().await?;
    redirect("/clients/brand");
    Ok(())
}

/// `/clients/brand`
#[component]
pub fn BrandPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadBrand {});
    let (choose, remove) = (Change::new::<ChooseColor>(), Change::new::<RemoveBrand>());
    let page = move |answer: Result<Option<Brand>, Error>| match answer {
        Ok(brand) => shown(brand, choose, remove),
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="How clients see you"/>
        <AuthLayout wide=true title="How clients see you" lead=|| "In the frame around every page of yours and of your clients.">
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
            <div class="mt-8"><LinkButton href="/clients" variant=Variant::Outline>"Back to your clients"</LinkButton></div>
        </AuthLayout>
    }
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
        <div class="flex flex-col gap-10">
            <ChangeForm change=choose attr:class="flex flex-col gap-4" attr:novalidate=true>
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
            </ChangeForm>
            <form method="post" action="/clients/logo" enctype="multipart/form-data" class="flex flex-col gap-4">
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
            </form>
            <FormProblem error=remove.error() fields=&[]/>
            {reset}
        </div>
    }
}
