//! Where one is signed in, and ending it: one place, or all others.

use model::Error;
use model::accounts::{Account, SessionRow};
use model::id::SessionId;

use crate::form::{FormProblem, hidden, told};
use crate::prelude::*;
use crate::screen::When;
use crate::ui::{Badge, Button, Card, Cell, Column, Size, Table, Tone, Variant};
use crate::wire::{Change, ChangeForm};

/// Ends one session.
#[server(protocol = crate::wire::Wire)]
pub async fn end_session(id: SessionId) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::accounts::profile::end_session(&db()?, &caller()?, id).await?)
}

/// Ends all sessions but this one.
#[server(protocol = crate::wire::Wire)]
pub async fn end_other_sessions() -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::profile::end_other_sessions(&db()?, &caller()?).await?;
    Ok(())
}

pub(super) fn card(account: Signal<Account>, changed: RwSignal<u32>) -> AnyView {
    let (end, others) = (Change::new::<EndSession>(), Change::new::<EndOtherSessions>());
    told(end, "Signed out there", changed);
    told(others, "Signed out everywhere else", changed);
    let columns = vec![
        Column::new("Device"),
        Column::new("Address"),
        Column::new("Company"),
        Column::new("Last seen"),
        Column::new("End").quiet(),
    ];
    let alone = move || account.with(|account| account.sessions.len() < 2);
    let foot = move || {
        view! {
            <ChangeForm change=others>
                <Button submit=true variant=Variant::Outline size=Size::Small busy=others.pending() disabled=Signal::derive(alone)>
                    "Sign out everywhere else"
                </Button>
            </ChangeForm>
        }
    };
    let lines = move || account.get().sessions.into_iter().map(|row| line(row, end)).collect_view();
    view! {
        <Card title="Where you are signed in" scope="A session ends by itself after twelve hours without use." flush=true actions=foot>
            <div class="px-5 empty:hidden"><FormProblem error=end.error() fields=&[]/><FormProblem error=others.error() fields=&[]/></div>
            <Table caption="Where you are signed in" columns=columns>{lines}</Table>
        </Card>
    }
}

fn line(row: SessionRow, end: Change) -> AnyView {
    let id = hidden("id", row.id);
    let action = match row.current {
        true => view! { <Badge label="This one" tone=Tone::Success/> },
        false => view! {
            <ChangeForm change=end>
                {id}
                <Button submit=true variant=Variant::Outline size=Size::Small>"Sign out"</Button>
            </ChangeForm>
        },
    };
    view! {
        <tr>
            <td class="lead">
                <span class="font-medium">{row.device}</span>
                <span class="sub">"since " <When moment=row.created_at/></span>
            </td>
            <Cell label="Address">{row.ip}</Cell>
            <Cell label="Company" muted=true>{row.company_name}</Cell>
            <Cell label="Last seen"><When moment=row.last_seen_at/></Cell>
            <td class="n">{action}</td>
        </tr>
    }
}
