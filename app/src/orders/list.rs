//! The list of orders, narrowed by a plain form.

use icondata as i;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::orders::{OrderFilter, OrderRow, OrderStatus, Orders};

use super::{LIST, ONE, tone};
use crate::form::hidden;
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::{count, link, may, paging, phone, text, word};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Empty, Field, Input, LeadCell, LinkButton, Opt, Pager, Select, Table, Variant,
};
use crate::wire::Answer;

const TITLE: &str = "Orders";

/// One page of orders, and what all that match come to.
#[server(protocol = crate::wire::Wire)]
pub async fn list_orders(filter: OrderFilter) -> Result<Orders, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let orders = services::orders::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(orders)
}

fn filter_of(query: &ParamsMap) -> OrderFilter {
    OrderFilter {
        search: text(query, "q"),
        customer: text(query, "customer"),
        contact: word(query, "contact"),
        product: text(query, "product"),
        status: word(query, "status"),
        from: text(query, "from"),
        to: text(query, "to"),
        paging: paging(query),
    }
}

fn href(f: &OrderFilter, page: u32) -> String {
    let (contact, page) = (f.contact.map(|id| id.to_string()), if page > 1 { page.to_string() } else { String::new() });
    let pairs = [
        ("q", f.search.as_str()),
        ("customer", &f.customer),
        ("contact", contact.as_deref().unwrap_or_default()),
        ("product", &f.product),
        ("status", f.status.map_or("", OrderStatus::as_str)),
        ("from", &f.from),
        ("to", &f.to),
        ("page", &page),
    ];
    link(LIST, &pairs)
}

/// `/orders?q=…&customer=…&contact=…&product=…&status=…&from=…&to=…`
#[component]
pub fn OrdersPage() -> impl IntoView {
    let filter = use_query_map().with_untracked(filter_of);
    let asked = filter.clone();
    let answer = Answer::blocking(move || ListOrders { filter: asked.clone() });
    let manage = may(Permission::ManageContacts).get_untracked();
    let new = move || manage.then(|| view! { <LinkButton href=ONE icon=i::LuPlus>"New order"</LinkButton> });
    answered(answer, TITLE, Vec::new(), move |orders| {
        let (narrow, listing) = (narrow(&filter), listing(orders, filter));
        view! {
            <PlainPage wide=true title=TITLE description="What your customers ordered." actions=new>
                {narrow}
                {listing}
            </PlainPage>
        }
    })
}

fn narrow(filter: &OrderFilter) -> AnyView {
    let any = std::iter::once(Opt::new("", "Any"));
    let statuses: Vec<_> = any.chain(OrderStatus::ALL.iter().map(|s| Opt::new(s.as_str(), s.label()))).collect();
    let clear = (!filter.is_empty()).then(|| view! { <LinkButton href=LIST variant=Variant::Ghost>"Clear"</LinkButton> });
    let status = filter.status.map_or("", OrderStatus::as_str);
    let contact = filter.contact.map(|id| hidden("contact", id));
    let OrderFilter { search, customer, product, from, to, .. } = filter.clone();
    view! {
        <search aria-label="Filter orders">
            <form method="get" action=LIST class="grid grid-cols-2 items-end gap-3 sm:flex sm:flex-wrap">
                {contact}
                <Field label="Number" name="q"><Input kind="search" value=search autocomplete="off"/></Field>
                <Field label="Customer" name="customer">
                    <Input kind="search" value=customer placeholder="Name or +1415" autocomplete="off"/>
                </Field>
                <Field label="Product" name="product">
                    <Input kind="search" value=product placeholder="SKU or name" autocomplete="off"/>
                </Field>
                <Field label="Status" name="status"><Select options=statuses value=status/></Field>
                <Field label="From" name="from"><Input kind="date" value=from/></Field>
                <Field label="To" name="to"><Input kind="date" value=to/></Field>
                <div class="flex gap-2"><Button submit=true variant=Variant::Outline>"Show"</Button>{clear}</div>
            </form>
        </search>
    }
}

fn listing(orders: Orders, filter: OrderFilter) -> AnyView {
    let Orders { page, totals } = orders;
    if page.total == 0 {
        let nothing = match filter.is_empty() {
            true => view! {
                <Empty icon=i::LuInbox title="No orders yet" text="Your shop pushes them by the REST API, an import brings them in, or you enter one."/>
            },
            false => view! {
                <Empty icon=i::LuSearchX title="No order matches" text="Numbers, customers and products are looked for by how they begin.">
                    <LinkButton href=LIST variant=Variant::Outline>"Show all orders"</LinkButton>
                </Empty>
            },
        };
        return view! { <Card>{nothing}</Card> };
    }
    let columns = vec![
        Column::new("Order"),
        Column::new("Customer"),
        Column::new("Status"),
        Column::new("Day").number(),
        Column::new("Total").number(),
    ];
    let sums: Vec<_> = totals.iter().map(ToString::to_string).collect();
    let sums = format!("{} in all: {}", count(page.total, "order", "orders"), sums.join(" · "));
    let (here, per_page, total) = (page.paging.page, page.paging.per_page, page.total);
    let lines = page.items.into_iter().map(line).collect_view();
    view! {
        <Card flush=true>
            <p class="border-b px-5 py-3 text-sm text-muted-foreground tabular-nums">{sums}</p>
            <Table caption="Orders" columns=columns>{lines}</Table>
            <Pager page=here per_page=per_page total=total href=move |n| href(&filter, n)/>
        </Card>
    }
}

fn line(row: OrderRow) -> AnyView {
    let customer = view! { <a class="link" href=format!("/contacts/{}", row.contact) rel="external">{row.customer}</a> };
    view! {
        <tr>
            <LeadCell title=row.number href=link(ONE, &[("id", &row.id.to_string())]) sub=count(row.items, "item", "items")/>
            <Cell label="Customer" sub=phone(&row.phone)>{customer}</Cell>
            <Cell label="Status"><Badge label=row.status.label() tone=tone(row.status)/></Cell>
            <Cell label="Day" number=true muted=true>{row.ordered_on.to_string()}</Cell>
            <Cell label="Total" number=true>{row.total.to_string()}</Cell>
        </tr>
    }
}
