//! Where one is signed in, and ending it: one place, or all others.

use model::Error;
use model::accounts::SessionRow;
use model::id::SessionId;

use super::PATH;
use crate::form::{FormProblem, hidden};
use crate::prelude::*;
use crate::screen::When;
use crate::ui::{Badge, Button, Card, Cell, Column, Size, Table, Tone, Variant};
use crate::wire::{Change, ChangeForm};

/// Ends one session.
#[server(protocol = crate::wire::Wire)]
pub async fn end_session(id: SessionId) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::profile::end_session(&db()?, &caller()?, id).await?;
    redirect_saying(PATH, "Signed out there.");
    Ok(())
}

/// Ends all sessions but this one.
#[server(protocol = crate::wire::Wire)]
pub async fn end_other_sessions() -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::profile::end_other_sessions(&db()?, &caller()?).await?;
    redirect_saying(PATH, "Signed out everywhere else.");
    Ok(())
}

/// What is ended here, and how it went.
#[derive(Clone, Copy)]
pub(super) struct Changes {
    end: Change,
    others: Change,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self { end: Change::new::<EndSession>(), others: Change::new::<EndOtherSessions>() }
    }
}

pub(super) fn card(sessions: Vec<SessionRow>, Changes { end, others }: Changes) -> AnyView {
    let columns = vec![
        Column::new("Device"),
        Column::new("Address"),
        Column::new("Company"),
        Column::new("Last seen"),
        Column::new("End").quiet(),
    ];
    let alone = sessions.len() < 2;
    let foot = move || {
        view! {
            <ChangeForm change=others>
                <Button submit=true variant=Variant::Outline size=Size::Small disabled=alone>
                    "Sign out everywhere else"
                </Button>
            </ChangeForm>
        }
    };
    let lines = sessions.into_iter().map(|row| line(row, end)).collect_view();
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
