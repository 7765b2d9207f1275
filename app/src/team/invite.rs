//! Asking somebody into the company, and the invites that are open.

use model::Error;
use model::accounts::{Permission, Role};
use model::id::InviteId;
use model::team::{InviteRow, Team};

use super::roles;
use crate::form::{FormProblem, hidden, problem, told};
use crate::prelude::*;
use crate::screen::{When, may};
use crate::ui::{Badge, Button, Card, Cell, Column, Field, Input, LeadCell, Select, Size, Table, Tone, Variant};
use crate::wire::{Change, ChangeForm};

/// Mails an invite.
#[server(protocol = crate::wire::Wire)]
pub async fn invite_member(email: String, role: Role) -> Result<(), Error> {
    use crate::ssr::*;
    services::team::invite(&db()?, &caller()?.actor, &email, role).await?;
    Ok(())
}

/// Mails an open invite again.
#[server(protocol = crate::wire::Wire)]
pub async fn resend_invite(id: InviteId) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::team::resend(&db()?, &caller()?.actor, id).await?)
}

/// Takes an open invite back.
#[server(protocol = crate::wire::Wire)]
pub async fn revoke_invite(id: InviteId) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::team::revoke(&db()?, &caller()?.actor, id).await?)
}

pub(super) fn form(changed: RwSignal<u32>) -> AnyView {
    let invite = Change::new::<InviteMember>();
    let error = invite.error();
    told(invite, "The invite is on its way", changed);
    let manages = may(Permission::ManageTeam);
    let form = move || {
        manages.get().then(|| {
            view! {
                <Card title="Invite somebody" scope="They get a mail with a link that works once, for seven days.">
                    <ChangeForm change=invite empties="[name=email]" attr:class="flex flex-col gap-4">
                        <div class="grid items-start gap-4 sm:grid-cols-[1fr_12rem_auto]">
                            <Field label="E-mail" name="email" error=problem(error, "email")>
                                <Input kind="email" autocomplete="off"/>
                            </Field>
                            <Field label="Role" name="role" error=problem(error, "role")>
                                <Select options=roles() value="operator"/>
                            </Field>
                            <div class="sm:mt-6.5"><Button submit=true busy=invite.pending()>"Send invite"</Button></div>
                        </div>
                        <FormProblem error=error fields=&["email", "role"]/>
                    </ChangeForm>
                </Card>
            }
        })
    };
    view! { {form} }
}

pub(super) fn waiting(team: Signal<Team>, changed: RwSignal<u32>) -> AnyView {
    let (again, back) = (Change::new::<ResendInvite>(), Change::new::<RevokeInvite>());
    told(again, "Sent again; the old link is dead", changed);
    told(back, "The invite is taken back", changed);
    let manages = may(Permission::ManageTeam);
    let card = move || {
        let rows = team.get().invites;
        if rows.is_empty() {
            return None;
        }
        let columns = vec![Column::new("E-mail"), Column::new("Role"), Column::new("Sent"), Column::new("Manage").quiet()];
        let manages = manages.get();
        let lines = rows.into_iter().map(|row| line(row, manages, again, back)).collect_view();
        Some(view! {
            <Card title="Invited" flush=true>
                <div class="px-5 empty:hidden"><FormProblem error=again.error() fields=&[]/><FormProblem error=back.error() fields=&[]/></div>
                <Table caption="Open invites" columns=columns>{lines}</Table>
            </Card>
        })
    };
    view! { {card} }
}

fn line(row: InviteRow, manages: bool, again: Change, back: Change) -> AnyView {
    let (first, second) = (hidden("id", row.id), hidden("id", row.id));
    let manage = manages.then(|| {
        view! {
            <div class="flex flex-wrap justify-end gap-2">
                <ChangeForm change=again>
                    {first}
                    <Button submit=true variant=Variant::Outline size=Size::Small>"Send again"</Button>
                </ChangeForm>
                <ChangeForm change=back>
                    {second}
                    <Button submit=true variant=Variant::Ghost size=Size::Small>"Take back"</Button>
                </ChangeForm>
            </div>
        }
    });
    view! {
        <tr>
            <LeadCell title=row.email sub=format!("by {}", row.invited_by)/>
            <Cell label="Role">{row.role.label()}</Cell>
            <Cell label="Sent" muted=true>
                <When moment=row.sent_at/> " "
                {row.expired.then(|| view! { <Badge label="Expired" tone=Tone::Warning/> })}
            </Cell>
            <td>{manage}</td>
        </tr>
    }
}
