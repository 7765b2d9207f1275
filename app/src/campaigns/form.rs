//! The campaign dialog: six steps, the last of which stores the draft and shows what a launch would do. The same dialog edits.

use leptos_router::hooks::use_navigate;
use model::Error;
use model::FieldErrors;
use model::campaigns::{Campaign, CampaignForm, Status};
use model::id::CampaignId;

use super::answering;
use super::choices::{CampaignChoices, Choices};
use super::draft::{Draft, step_of};
use super::launch::{CheckLaunch, CheckView, LaunchDialog};
use super::steps;
use crate::prelude::*;
use crate::screen::failed;
use crate::session::use_me;
use crate::ui::{Button, Dialog, DialogSize, Note, SkeletonText, Stepper, Toasts, Tone, Variant, use_toasts};
use crate::wire::Late;

const STEPS: [&str; 6] = ["Basics", "Audience", "Agent", "Schedule", "Calling", "Review"];
/// The same steps for a campaign that answers.
const STEPS_INBOUND: [&str; 6] = ["Basics", "Numbers", "Agent", "Hours", "Answering", "Review"];
const REVIEW: usize = 5;

fn step_names(draft: Draft) -> &'static [&'static str; 6] {
    if draft.is_inbound() { &STEPS_INBOUND } else { &STEPS }
}

/// Stores a campaign's settings: a new draft without `id`, else the next version of that one.
#[server(protocol = crate::wire::Wire)]
pub async fn save_campaign(id: Option<CampaignId>, form: CampaignForm) -> Result<CampaignId, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let id = match id {
        Some(id) => {
            services::campaigns::edit(&mut tx, id, &form).await?;
            id
        }
        None => services::campaigns::create(&mut tx, &form).await?,
    };
    tx.commit().await?;
    Ok(id)
}

/// Makes a campaign, or edits the one in `editing`. What was typed is kept when it closes without saving.
#[component]
pub fn CampaignDialog(
    open: RwSignal<bool>,
    #[prop(optional)] editing: Option<Signal<Campaign>>,
    /// Counted up after each save.
    #[prop(optional)]
    changed: Option<RwSignal<u32>>,
) -> impl IntoView {
    let draft = Draft::new();
    let is_draft = Memo::new(move |_| editing.is_none_or(|campaign| campaign.with(|c| c.status == Status::Draft)));
    // Both go on where they were left: an edit until somebody saved another version, a new campaign until it is stored.
    let version = StoredValue::new(None);
    Effect::new(move |_| match (open.get(), editing) {
        (true, Some(campaign)) => {
            let campaign = campaign.get_untracked();
            if version.get_value() != Some(campaign.settings_version) {
                version.set_value(Some(campaign.settings_version));
                draft.load(&campaign);
            }
        }
        (true, None) if draft.id.get_untracked().is_some() => draft.clear(),
        _ => {}
    });
    let me = use_me();
    let zone = Signal::derive(move || me.with(|me| me.as_ref().map(|me| me.time_zone.clone()).unwrap_or_default()));
    let navigate = use_navigate();
    let saver = Saver {
        draft,
        zone,
        open,
        changed,
        busy: RwSignal::new(false),
        editing: editing.is_some(),
        toasts: use_toasts(),
        go: Callback::new(move |path: String| navigate(&path, Default::default())),
    };
    let launching = RwSignal::new(false);
    let chosen = RwSignal::new(None);
    let launch = move |_| {
        if let Some(id) = draft.id.get_untracked() {
            chosen.set(Some((id, draft.name.get_untracked())));
            open.set(false);
            launching.set(true);
        }
    };
    let title = move || if editing.is_some() { "Edit campaign" } else { "New campaign" };
    let description = move || match (draft.name.get(), draft.id.get()) {
        (name, _) if name.is_empty() => "Who is called, by whom, and when.".to_owned(),
        (name, Some(_)) if editing.is_none() => format!("{name}. Saved as a draft, so closing loses nothing."),
        (name, _) => format!("{name}. Closing keeps what you typed."),
    };
    let foot = move || {
        view! {
            {move || (draft.step.get() > 0).then(|| view! {
                <Button variant=Variant::Outline on:click=move |_| draft.step.update(|step| *step -= 1)>"Back"</Button>
            })}
            {move || forward(saver, is_draft.get(), Callback::new(launch))}
        }
    };
    let settled = move |_| {
        // After a launch the draft is somebody else's: go and watch it.
        if let Some(id) = draft.id.get_untracked() {
            saver.leave(id);
        }
    };
    let launched = RwSignal::new(0_u32);
    Effect::new(move |before: Option<u32>| {
        let now = launched.get();
        if before.is_some_and(|before| before != now) {
            settled(());
        }
        now
    });
    // The dialog's body exists only while it is open, so this asks when it opens.
    let body = move || {
        let choices = Late::new(|| Some(CampaignChoices {}));
        move || match choices.get() {
            Some(Ok(known)) => sheet(draft, known, is_draft.get()),
            Some(Err(error)) => failed(&error, "the choices", Callback::new(move |()| choices.refetch())),
            None => view! { <div class="px-6 py-5"><SkeletonText lines=6/></div> },
        }
    };
    view! {
        <Dialog
            open=open
            id="campaign-dialog"
            title=Signal::derive(move || title().to_owned())
            description=Signal::derive(description)
            size=DialogSize::Large
            foot=foot
            sticky=true
            flush=true
        >
            {move || body()}
        </Dialog>
        <LaunchDialog open=launching campaign=chosen changed=launched/>
    }
}

/// What the buttons at the foot need.
#[derive(Clone, Copy)]
struct Saver {
    draft: Draft,
    /// The company's, in which start and end are written.
    zone: Signal<String>,
    open: RwSignal<bool>,
    changed: Option<RwSignal<u32>>,
    busy: RwSignal<bool>,
    editing: bool,
    toasts: Toasts,
    go: Callback<String>,
}

impl Saver {
    /// Reads the fields and stores them; a bad field leads back to its step. `then` runs with the id.
    fn save(self, then: impl FnOnce(CampaignId) + 'static) {
        let draft = self.draft;
        let form = match draft.read(&self.zone.get_untracked()) {
            Ok(form) => form,
            Err(problems) => return self.lead_to(problems),
        };
        draft.errors.set(FieldErrors::new());
        self.busy.set(true);
        let toasts = self.toasts;
        leptos::task::spawn_local(async move {
            let answer = save_campaign(draft.id.get_untracked(), form).await;
            self.busy.set(false);
            match answer {
                Ok(id) => {
                    draft.id.set(Some(id));
                    if let Some(changed) = self.changed {
                        changed.update(|n| *n += 1);
                    }
                    then(id);
                }
                Err(Error::Invalid { fields }) => self.lead_to(fields),
                Err(error) => toasts.error(error.to_string()),
            }
        });
    }

    fn lead_to(self, problems: FieldErrors) {
        if let Some(step) = problems.keys().map(|field| step_of(field)).min() {
            self.draft.step.set(step);
        }
        self.draft.errors.set(problems);
    }

    /// Only the fields of the step that is left must be right yet.
    fn next(self) {
        let draft = self.draft;
        let here = draft.step.get_untracked();
        let problems: FieldErrors = draft
            .read(&self.zone.get_untracked())
            .err()
            .unwrap_or_default()
            .into_iter()
            .filter(|(field, _)| step_of(field) == here)
            .collect();
        if problems.is_empty() {
            draft.step.set(here + 1);
        }
        draft.errors.set(problems);
    }

    /// Closes and shows the campaign's page.
    fn leave(self, id: CampaignId) {
        self.open.set(false);
        if !self.editing {
            self.draft.clear();
            // The dialog may be gone by now.
            self.go.try_run(format!("/campaigns/{id}"));
        }
    }
}

/// The buttons that lead on: continue, review, save, launch.
fn forward(saver: Saver, is_draft: bool, launch: Callback<()>) -> AnyView {
    let draft = saver.draft;
    let step = draft.step.get();
    let save_and_close = move |_| saver.save(move |id| saver.leave(id));
    if step == REVIEW {
        return view! {
            <Button variant=Variant::Outline busy=saver.busy on:click=save_and_close>"Save draft"</Button>
            <Button icon=icondata::LuRocket on:click=move |_| launch.run(())>"Launch…"</Button>
        };
    }
    if step + 1 == REVIEW && is_draft {
        let review = move |_| saver.save(move |_| draft.step.set(REVIEW));
        return view! { <Button busy=saver.busy on:click=review>"Save and review"</Button> };
    }
    let save = (saver.editing && !is_draft).then(|| view! {
        <Button variant=if step + 1 == REVIEW { Variant::Primary } else { Variant::Outline } busy=saver.busy on:click=save_and_close>"Save changes"</Button>
    });
    let go_on = (step + 1 < REVIEW).then(|| {
        let label = format!("Continue to {}", step_names(draft)[step + 1].to_lowercase());
        view! { <Button on:click=move |_| saver.next()>{label}</Button> }
    });
    view! { {save} {go_on} }
}

/// Stepper beside the current step.
fn sheet(draft: Draft, known: Choices, is_draft: bool) -> AnyView {
    draft.begin(&known.blank);
    let names = move || step_names(draft).iter().take(if is_draft { 6 } else { 5 }).map(|s| (*s).to_owned()).collect();
    let inbound = Memo::new(move |_| draft.is_inbound());
    let known = StoredValue::new(known);
    let step = move || match draft.step.get() {
        0 => steps::basics(draft, is_draft),
        1 if inbound.get() => answering::numbers(draft, &known.get_value()),
        3 if inbound.get() => answering::hours(draft, &known.get_value()),
        4 if inbound.get() => answering::answering(draft, &known.get_value()),
        1 => steps::audience(draft, &known.get_value(), is_draft),
        2 => steps::agent(draft, &known.get_value()),
        3 => steps::schedule(draft, &known.get_value()),
        4 => steps::calling(draft, &known.get_value()),
        _ => review(draft),
    };
    view! {
        <div class="grid min-h-0 grid-cols-1 sm:min-h-[29rem] sm:grid-cols-[11.5rem_minmax(0,1fr)]">
            <nav class="border-b bg-muted p-3 max-sm:sticky max-sm:top-0 max-sm:z-10 sm:border-e sm:border-b-0 sm:bg-muted/60" aria-label="Steps of the campaign">
                // The names follow the direction, which is chosen in the first step.
                {move || {
                    inbound.track();
                    view! { <Stepper steps=names() current=draft.step vertical=true class="max-sm:flex-row! max-sm:[&_li:not([aria-current])_.step-label]:sr-only" on_pick=Callback::new(move |step| draft.step.set(step))/> }
                }}
            </nav>
            <div class="flex min-w-0 flex-col gap-6 px-4 py-5 sm:px-6">{move || step()}</div>
        </div>
    }
}

/// The stored draft as the launch would find it.
fn review(draft: Draft) -> AnyView {
    let launch = Late::new(move || draft.id.get().map(|id| CheckLaunch { id }));
    let shown = move || match launch.get() {
        None => view! { <SkeletonText lines=6/> },
        Some(Err(error)) => failed(&error, "the checks", Callback::new(move |()| launch.refetch())),
        Some(Ok(launch)) => {
            let ready = launch.check.is_ready();
            let first = match (launch.later, launch.check.first_call) {
                _ if launch.inbound => "It answers from the moment it is launched.".to_owned(),
                (Some(start), _) => format!("Calling would begin {}.", start.short()),
                (None, Some(first)) => format!("The first phone would ring {}.", first.short()),
                (None, None) => "No calling hour opens in the next two weeks.".to_owned(),
            };
            let tone = if ready { Tone::Success } else { Tone::Warning };
            let verdict = if ready { "Ready to launch. " } else { "Saved as a draft; some things are still to mend. " };
            view! {
                <Note tone=tone live=true><b class="font-semibold">{verdict}</b>{first}</Note>
                <CheckView check=launch.check/>
            }
        }
    };
    view! { {move || shown()} }
}
