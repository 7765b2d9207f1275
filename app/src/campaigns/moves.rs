//! What may be done to a campaign from a row or from its page: pause, resume, cancel, archive, duplicate, delete, launch.
//! The buttons follow `Status::actions()`, so a screen never offers what the verb would refuse.

use leptos_router::hooks::use_navigate;
use model::Error;
use model::accounts::Permission;
use model::campaigns::{Action as Move, Status};
use model::id::CampaignId;

use super::launch::LaunchDialog;
use crate::prelude::*;
use crate::screen::may;
use crate::ui::{ConfirmDialog, MenuItem, MenuLine, MenuLink, Toasts, use_toasts};

/// Asks a lawful move of a campaign.
#[server(protocol = crate::wire::Wire)]
pub async fn move_campaign(id: CampaignId, action: Move) -> Result<Status, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let status = services::campaigns::act(&mut tx, id, action).await?;
    tx.commit().await?;
    Ok(status)
}

/// Copies a campaign's settings into a new draft.
#[server(protocol = crate::wire::Wire)]
pub async fn duplicate_campaign(id: CampaignId) -> Result<CampaignId, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let copy = services::campaigns::duplicate(&mut tx, id).await?;
    tx.commit().await?;
    Ok(copy)
}

/// Deletes a draft.
#[server(protocol = crate::wire::Wire)]
pub async fn delete_campaign(id: CampaignId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::campaigns::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Which question is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Cancel,
    Delete,
}

/// The moves of a screen: one set of dialogs, opened for whichever campaign is chosen.
#[derive(Clone, Copy)]
pub struct Moves {
    chosen: RwSignal<Option<(CampaignId, String)>>,
    launching: RwSignal<bool>,
    cancelling: RwSignal<bool>,
    deleting: RwSignal<bool>,
    busy: RwSignal<bool>,
    error: RwSignal<Option<String>>,
    toasts: Toasts,
    /// Opens a page; kept here because a click has no context to find the router in.
    go: Callback<String>,
    /// Counts what was changed here; resources listen to read again at once.
    pub changed: RwSignal<u32>,
}

impl Moves {
    /// Nothing chosen yet. Call it in a component.
    pub fn new() -> Self {
        let navigate = use_navigate();
        Self {
            toasts: use_toasts(),
            go: Callback::new(move |path: String| navigate(&path, Default::default())),
            chosen: RwSignal::new(None),
            launching: RwSignal::new(false),
            cancelling: RwSignal::new(false),
            deleting: RwSignal::new(false),
            busy: RwSignal::new(false),
            error: RwSignal::new(None),
            changed: RwSignal::new(0),
        }
    }

    fn choose(self, id: CampaignId, name: String) {
        self.error.set(None);
        self.chosen.set(Some((id, name)));
    }

    /// Opens the launch confirmation.
    pub fn launch(self, id: CampaignId, name: String) {
        self.choose(id, name);
        self.launching.set(true);
    }

    fn ask(self, what: Asking, id: CampaignId, name: String) {
        self.choose(id, name);
        match what {
            Asking::Cancel => self.cancelling.set(true),
            Asking::Delete => self.deleting.set(true),
        }
    }

    /// Makes a move that needs no question.
    pub fn make(self, id: CampaignId, name: String, action: Move) {
        let toasts = self.toasts;
        // After the answer the page may be gone: what is read then is read now.
        let asking = self.cancelling.get_untracked();
        self.busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = move_campaign(id, action).await;
            self.busy.set(false);
            match answer {
                Ok(status) => {
                    toasts.success(format!("{name} is {}", status.label().to_lowercase()));
                    self.cancelling.set(false);
                    self.changed.update(|n| *n += 1);
                }
                Err(error) if asking => self.error.set(Some(error.to_string())),
                Err(error) => toasts.error(error.to_string()),
            }
        });
    }

    /// Copies a campaign and goes to the copy.
    fn duplicate(self, id: CampaignId) {
        let (toasts, go) = (self.toasts, self.go);
        leptos::task::spawn_local(async move {
            match duplicate_campaign(id).await {
                Ok(copy) => {
                    toasts.success("Campaign duplicated");
                    go.try_run(format!("/campaigns/{copy}"));
                }
                Err(error) => toasts.error(error.to_string()),
            }
        });
    }
}

/// The dialogs behind a screen's [`Moves`]; once per screen.
#[component]
pub fn MoveDialogs(moves: Moves, #[prop(optional)] on_deleted: Option<Callback<()>>) -> impl IntoView {
    let toasts = moves.toasts;
    let name = move || moves.chosen.with(|chosen| chosen.as_ref().map(|(_, name)| name.clone()).unwrap_or_default());
    let cancel = move |()| {
        if let Some((id, name)) = moves.chosen.get_untracked() {
            moves.make(id, name, Move::Cancel);
        }
    };
    let delete = move |()| {
        let Some((id, name)) = moves.chosen.get_untracked() else { return };
        moves.busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = delete_campaign(id).await;
            moves.busy.set(false);
            match answer {
                Ok(()) => {
                    toasts.success(format!("{name} is deleted"));
                    moves.deleting.set(false);
                    // A page without its campaign is left; a list reads again.
                    match on_deleted {
                        Some(leave) => drop(leave.try_run(())),
                        None => moves.changed.update(|n| *n += 1),
                    }
                }
                Err(error) => moves.error.set(Some(error.to_string())),
            }
        });
    };
    view! {
        <ConfirmDialog
            open=moves.cancelling
            id="cancel-campaign"
            title=Signal::derive(move || format!("Cancel {}?", name()))
            description="No further call is placed. Calls under way end by themselves, and what is left of the reserve returns to your credits. This cannot be undone."
            confirm="Cancel campaign"
            busy=moves.busy
            error=moves.error
            on_confirm=Callback::new(cancel)
        />
        <ConfirmDialog
            open=moves.deleting
            id="delete-campaign"
            title=Signal::derive(move || format!("Delete {}?", name()))
            description="The draft and its settings are gone for good. Contacts and agents stay."
            confirm="Delete draft"
            busy=moves.busy
            error=moves.error
            on_confirm=Callback::new(delete)
        />
        <LaunchDialog open=moves.launching campaign=moves.chosen changed=moves.changed/>
    }
}

/// The entries of a campaign's menu: only lawful moves, only what the role may do. `page` is true on the campaign's own page.
#[component]
pub fn MoveItems(
    moves: Moves,
    id: CampaignId,
    #[prop(into)] name: Signal<String>,
    #[prop(into)] status: Signal<Status>,
    #[prop(optional)] page: bool,
) -> impl IntoView {
    let (manage, run) = (may(Permission::ManageCampaigns), may(Permission::RunCampaigns));
    let lawful = move |action: Move| run.get() && status.get().after(action).is_ok();
    let item = move |action: Move, icon: icondata::Icon| {
        move || {
            lawful(action).then(|| {
                view! { <MenuItem label=action.label() icon=icon on:click=move |_| moves.make(id, name.get_untracked(), action)/> }
            })
        }
    };
    let launch = move || {
        lawful(Move::Launch).then(|| {
            view! { <MenuItem label="Launch…" icon=icondata::LuRocket on:click=move |_| moves.launch(id, name.get_untracked())/> }
        })
    };
    let edit = move || {
        (manage.get() && !matches!(status.get(), Status::Completed | Status::Cancelled | Status::Archived)).then(|| {
            view! { <MenuLink href=format!("/campaigns/{id}?edit=1") label="Edit" icon=icondata::LuPencil/> }
        })
    };
    let danger = move || {
        let (cancel, delete) = (lawful(Move::Cancel), manage.get() && status.get() == Status::Draft);
        (cancel || delete).then(|| {
            view! {
                <MenuLine/>
                {cancel.then(|| view! {
                    <MenuItem label="Cancel campaign…" icon=icondata::LuCircleX danger=true
                        on:click=move |_| moves.ask(Asking::Cancel, id, name.get_untracked())/>
                })}
                {delete.then(|| view! {
                    <MenuItem label="Delete draft…" icon=icondata::LuTrash2 danger=true
                        on:click=move |_| moves.ask(Asking::Delete, id, name.get_untracked())/>
                })}
            }
        })
    };
    view! {
        {(!page).then(|| view! { <MenuLink href=format!("/campaigns/{id}") label="Open" icon=icondata::LuEye/> })}
        {move || edit()}
        {move || launch()}
        {item(Move::Pause, icondata::LuPause)}
        {item(Move::Resume, icondata::LuPlay)}
        {move || manage.get().then(|| view! {
            <MenuItem label="Duplicate" icon=icondata::LuCopy on:click=move |_| moves.duplicate(id)/>
        })}
        {item(Move::Archive, icondata::LuArchive)}
        {move || danger()}
    }
}
