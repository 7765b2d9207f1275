//! One order: what is in it, changing it, and entering a new one. Lines that nobody fills in are passed over.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::id::OrderId;
use model::orders::{ItemForm, ItemRow, Order, OrderForm, OrderRow, OrderStatus};

use super::{LIST, ONE, tone};
use crate::form::{FormProblem, hidden, typed, typed_or};
use crate::plain::{PlainPage, answered, problem_of};
use crate::prelude::*;
use crate::screen::{When, link, may, phone, word};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Crumb, Fact, Facts, Field, Input, LeadCell, Note, Opt, Select, Table, Textarea, Tone,
    Variant, some,
};
use crate::wire::{Answer, Change, ChangeForm};

/// Empty lines of a new order, and those that *Save and add items* offers.
const BLANK: usize = 3;
/// Bytes of what was typed that a cookie brings back; browsers keep four thousand.
const TYPED_MAX: usize = 3_000;
/// What the form shows itself.
const SHOWN: &[&str] = &["number", "customer_name", "customer_phone", "customer_email", "ordered_on", "currency", "notes"];

/// One order with its items.
#[server(protocol = crate::wire::Wire)]
pub async fn load_order(id: OrderId) -> Result<Order, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let order = services::orders::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(order)
}

/// Stores a new order. `more`: then its page offers empty lines.
#[server(protocol = crate::wire::Wire)]
pub async fn create_order(form: OrderForm, #[server(default)] more: bool) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let id = services::orders::create(&mut tx, &form).await.inspect_err(|_| keep_form(&form))?;
    tx.commit().await?;
    redirect(&address(id, more));
    Ok(())
}

/// Changes an order.
#[server(protocol = crate::wire::Wire)]
pub async fn save_order(id: OrderId, form: OrderForm, #[server(default)] more: bool) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::orders::edit(&mut tx, id, &form).await.inspect_err(|_| keep_form(&form))?;
    tx.commit().await?;
    redirect(&address(id, more));
    Ok(())
}

/// Takes an order out of the lists.
#[server(protocol = crate::wire::Wire)]
pub async fn archive_order(id: OrderId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::orders::archive(&mut tx, id).await?;
    tx.commit().await?;
    redirect(LIST);
    Ok(())
}

fn address(id: OrderId, more: bool) -> String {
    link(ONE, &[("id", &id.to_string()), ("more", if more { "1" } else { "" })])
}

/// Lets the form that is drawn again show what was typed, as far as a cookie holds it.
fn keep_form(form: &OrderForm) {
    let field = |name: &str, text: &str| (format!("form[{name}]"), text.to_owned());
    let mut all = vec![
        field("number", &form.number),
        field("customer_name", &form.customer_name),
        field("customer_phone", &form.customer_phone),
        field("customer_email", &form.customer_email),
        field("status", form.status.map_or("", OrderStatus::as_str)),
        field("ordered_on", &form.ordered_on),
        field("currency", &form.currency),
        field("notes", &form.notes),
    ];
    for (n, item) in form.items.iter().enumerate().filter(|(_, item)| !item.is_blank()) {
        all.extend(parts(item).map(|(name, text)| (item_name(n, name), text.to_owned())));
    }
    let mut room = TYPED_MAX;
    all.retain(|(name, text)| {
        let size = name.len() + crate::auth::escape(text).len() + 2;
        room = room.saturating_sub(size);
        !text.is_empty() && room > 0
    });
    let all: Vec<_> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    crate::ssr::keep_typed(&all);
}

fn item_name(n: usize, field: &str) -> String {
    format!("form[items][{n}][{field}]")
}

fn parts(item: &ItemForm) -> [(&'static str, &str); 6] {
    [
        ("sku", &item.sku),
        ("name", &item.name),
        ("category", &item.category),
        ("brand", &item.brand),
        ("quantity", &item.quantity),
        ("price", &item.price),
    ]
}

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Orders", LIST)]
}

/// `/orders/order` and `/orders/order?id=…`
#[component]
pub fn OrderPage() -> impl IntoView {
    let query = use_query_map();
    let (named, more) = query.with_untracked(|query| (query.get_str("id").is_some(), query.get_str("more").is_some()));
    let manage = may(Permission::ManageContacts).get_untracked();
    let create = Change::new::<CreateOrder>();
    if !named {
        return match manage {
            true => view! { <PlainPage wide=true title="New order" crumbs=crumbs()>{fields(None, BLANK, create)}</PlainPage> },
            false => crate::plain::away("New order", crumbs(), &Error::Forbidden { permission: "manage_contacts".to_owned() }),
        };
    }
    let Some(id) = query.with_untracked(|query| word::<OrderId>(query, "id")) else {
        return crate::plain::away("Order", crumbs(), &Error::not_found("order"));
    };
    let answer = Answer::blocking(move || LoadOrder { id });
    let (save, archive) = (Change::new::<SaveOrder>(), Change::new::<ArchiveOrder>());
    answered(answer, "Order", crumbs(), move |order| {
        let (status, archived, title) = (order.row.status, order.row.archived, format!("Order {}", order.row.number));
        let beside = move || {
            view! {
                <Badge label=status.label() tone=tone(status)/>
                {archived.then(|| view! { <Badge label="Archived"/> })}
            }
        };
        let gone = archived.then(|| view! { <Note tone=Tone::Info>"It is in no list. Pushed again, it comes back."</Note> });
        let about = about(order.row.clone());
        let body = match manage {
            true => fields(Some(&order), if more { BLANK } else { 1 }, save),
            false => items(order),
        };
        let out = (manage && !archived).then(|| {
            view! {
                <ChangeForm change=archive>
                    {hidden("id", id)}
                    <Button submit=true variant=Variant::Outline>"Archive order"</Button>
                </ChangeForm>
                <FormProblem error=archive.error() fields=&[]/>
            }
        });
        view! {
            <PlainPage wide=true title=title crumbs=crumbs() beside=beside>
                {gone}
                {about}
                {body}
                {out}
            </PlainPage>
        }
    })
}

fn about(row: OrderRow) -> AnyView {
    let (contact, phone, total) = (format!("/contacts/{}", row.contact), phone(&row.phone), row.total.to_string());
    view! {
        <Card>
            <Facts>
                <Fact label="Customer"><a class="link" href=contact rel="external">{row.customer}</a></Fact>
                <Fact label="Phone"><span class="tabular-nums">{phone}</span></Fact>
                <Fact label="Total"><span class="tabular-nums">{total}</span></Fact>
                <Fact label="Added"><When moment=row.created_at/></Fact>
                <Fact label="Changed"><When moment=row.updated_at/></Fact>
            </Facts>
        </Card>
    }
}

/// For who may only look.
fn items(order: Order) -> AnyView {
    let columns = ["Product", "Category", "Brand"].map(Column::new).into_iter();
    let columns: Vec<_> = columns.chain(["Quantity", "Price"].map(|name| Column::new(name).number())).collect();
    let line = |item: ItemRow| {
        let price = item.price.to_string();
        view! {
            <tr>
                <LeadCell title=item.name sub=item.sku/>
                <Cell label="Category">{item.category}</Cell>
                <Cell label="Brand">{item.brand}</Cell>
                <Cell label="Quantity" number=true>{item.quantity}</Cell>
                <Cell label="Price" number=true>{price}</Cell>
            </tr>
        }
    };
    let lines = order.items.into_iter().map(line).collect_view();
    let notes = some(order.notes).map(|notes| view! { <Card title="Notes"><p class="wrap-anywhere">{notes}</p></Card> });
    view! {
        <Card title="Items" flush=true><Table caption="Items" columns=columns>{lines}</Table></Card>
        {notes}
    }
}

/// How many lines were typed, of a form that is shown again.
fn lines_typed() -> usize {
    let lines = use_context::<crate::form::Typed>().map(|typed| {
        let numbers =
            typed.0.iter().filter_map(|(name, _)| name.strip_prefix("form[items][")?.split(']').next()?.parse::<usize>().ok());
        numbers.max().map_or(0, |last| last + 1)
    });
    lines.unwrap_or_default()
}

fn fields(order: Option<&Order>, blank: usize, change: Change) -> AnyView {
    let error = change.error();
    let now = order.map(Order::form).unwrap_or_default();
    let lines = (now.items.len() + blank).max(lines_typed()).min(model::orders::ITEMS_MAX);
    let lines = (0..lines).map(|n| line(n, now.items.get(n), error)).collect_view();
    let id = order.map(|order| hidden("id", order.row.id));
    let customer = order.is_none().then(|| customer(error));
    let notes = typed_or("form[notes]", now.notes.as_str());
    let head = head(&now, error);
    view! {
        <ChangeForm change=change attr:class="flex flex-col gap-6" attr:novalidate=true>
            {id}
            {head}
            {customer}
            <Card title="Items" scope="Products, categories and brands that are new are created. Empty lines are passed over.">
                <ol class="flex flex-col gap-6">{lines}</ol>
            </Card>
            <Card title="Notes">
                <Field label="Notes" name="form[notes]" optional=true error=problem_of(error, "notes")>
                    <Textarea rows=3 value=notes maxlength=2000/>
                </Field>
            </Card>
            <FormProblem error=error fields=SHOWN/>
            <div class="flex flex-wrap gap-2">
                <Button submit=true>"Save order"</Button>
                <Button submit=true variant=Variant::Outline name="more" value="true">"Save and add items"</Button>
            </div>
        </ChangeForm>
    }
}

fn head(now: &OrderForm, error: Signal<Option<Error>>) -> AnyView {
    let statuses: Vec<_> = OrderStatus::ALL.iter().map(|status| Opt::new(status.as_str(), status.label())).collect();
    let status = typed_or("form[status]", now.status.unwrap_or(OrderStatus::New).as_str());
    let number = typed_or("form[number]", now.number.as_str());
    let day = typed_or("form[ordered_on]", now.ordered_on.as_str());
    let currency = typed_or("form[currency]", now.currency.as_str());
    view! {
        <Card title="Order">
            <div class="grid gap-4 sm:grid-cols-2 lg:grid-cols-4">
                <Field label="Number" name="form[number]" error=problem_of(error, "number")>
                    <Input value=number maxlength=80 autocomplete="off"/>
                </Field>
                <Field label="Status" name="form[status]"><Select options=statuses value=status/></Field>
                <Field label="Day" name="form[ordered_on]" hint="Empty is today." error=problem_of(error, "ordered_on")>
                    <Input kind="date" value=day/>
                </Field>
                <Field label="Currency" name="form[currency]" hint="Like USD or EUR." error=problem_of(error, "currency")>
                    <Input value=currency maxlength=3 autocomplete="off"/>
                </Field>
            </div>
        </Card>
    }
}

fn customer(error: Signal<Option<Error>>) -> AnyView {
    view! {
        <Card title="Customer" scope="Found by the phone number. Who is known keeps the name they have.">
            <div class="grid gap-4 sm:grid-cols-3">
                <Field label="Phone" name="form[customer_phone]" error=problem_of(error, "customer_phone")>
                    <Input kind="tel" value=typed("form[customer_phone]") autocomplete="off"/>
                </Field>
                <Field label="Name" name="form[customer_name]" optional=true error=problem_of(error, "customer_name")>
                    <Input value=typed("form[customer_name]") autocomplete="off"/>
                </Field>
                <Field label="E-mail" name="form[customer_email]" optional=true error=problem_of(error, "customer_email")>
                    <Input kind="email" value=typed("form[customer_email]") autocomplete="off"/>
                </Field>
            </div>
        </Card>
    }
}

fn line(n: usize, item: Option<&ItemForm>, error: Signal<Option<Error>>) -> AnyView {
    let item = item.cloned().unwrap_or_default();
    let labels = ["SKU", "Product", "Category", "Brand", "Quantity", "Price each"];
    let fields = parts(&item)
        .into_iter()
        .zip(labels)
        .map(|((name, now), label)| {
            let full = item_name(n, name);
            let value = typed_or(&full, now);
            let mode = match name {
                "quantity" => "numeric",
                "price" => "decimal",
                _ => "text",
            };
            view! {
                <Field label=label name=full error=problem_of(error, format!("items.{n}.{name}"))>
                    <Input value=value inputmode=mode autocomplete="off"/>
                </Field>
            }
        })
        .collect_view();
    view! {
        <li>
            <fieldset class="grid min-w-0 grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-6">
                <legend class="label mb-1.5">{format!("Item {}", n + 1)}</legend>
                {fields}
            </fieldset>
        </li>
    }
}
