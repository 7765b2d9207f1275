//! What each role may do: the permission table of `model::accounts`, as people read it. There is no other one. A plain
//! page.

use icondata as i;
use model::accounts::{Permission, Role};
use model::team::ROLES;

use crate::plain::PlainPage;
use crate::prelude::*;
use crate::ui::{Card, Column, Crumb, Icon, LeadCell, Table};

/// `/team/permissions`
#[component]
pub fn PermissionsPage() -> impl IntoView {
    let columns: Vec<Column> =
        std::iter::once(Column::new("May")).chain(ROLES.iter().map(|role| Column::new(role.label()))).collect();
    // What none of them may is the platform's own business.
    let shown = Permission::ALL.iter().filter(|p| ROLES.iter().any(|role| role.may(**p)));
    let lines = shown.map(|p| line(*p)).collect_view();
    view! {
        <PlainPage title="Roles" description="What each role may do in this company." crumbs=vec![Crumb::new("Team", "/team")]>
            <Card flush=true><Table caption="What each role may do" columns=columns cards=false>{lines}</Table></Card>
        </PlainPage>
    }
}

fn line(permission: Permission) -> AnyView {
    let cell = |role: &Role| match role.may(permission) {
        true => view! { <td><Icon icon=i::LuCheck class="text-primary"/><span class="sr-only">"Yes"</span></td> },
        false => view! { <td class="text-muted-foreground">"–"<span class="sr-only">"No"</span></td> },
    };
    let cells = ROLES.iter().map(cell).collect_view();
    view! { <tr><LeadCell title=permission.label()/>{cells}</tr> }
}
