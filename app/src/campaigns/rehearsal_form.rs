//! The dialog of a rehearsal: the numbers of the modelled phones, how often to play, and how many calls at once to try.

use model::id::CampaignId;
use model::rehearsal::{Assumptions, Given, RehearsalForm, Source};
use model::{Error, FieldErrors};

use super::rehearsal::{given_rehearsal, run_rehearsal};
use crate::prelude::*;
use crate::screen::failed;
use crate::ui::{Button, Dialog, DialogSize, Field, Input, Note, Size, SkeletonText, Tone, Variant, grouped, use_toasts};

/// The hours that can be edited; outside them the law lets nobody call.
const FIRST_HOUR: usize = 8;
const HOURS: usize = 13;

/// What is being typed.
#[derive(Clone, Copy)]
struct Typed {
    connected: [RwSignal<String>; HOURS],
    voicemail: RwSignal<String>,
    busy: RwSignal<String>,
    rejected: RwSignal<String>,
    failed: RwSignal<String>,
    answer: RwSignal<String>,
    talk: RwSignal<String>,
    message: RwSignal<String>,
    runs: RwSignal<String>,
    lines: RwSignal<String>,
    errors: RwSignal<FieldErrors>,
}

impl Typed {
    fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Self {
            connected: std::array::from_fn(|_| text()),
            voicemail: text(),
            busy: text(),
            rejected: text(),
            failed: text(),
            answer: text(),
            talk: text(),
            message: text(),
            runs: text(),
            lines: text(),
            errors: RwSignal::new(FieldErrors::new()),
        }
    }

    fn load(self, form: &RehearsalForm) {
        self.assume(&form.assumptions);
        self.runs.set(form.runs.to_string());
        self.lines.set(form.concurrency_max.map(|n| n.to_string()).unwrap_or_default());
        self.errors.set(FieldErrors::new());
    }

    fn assume(self, a: &Assumptions) {
        for (n, typed) in self.connected.into_iter().enumerate() {
            typed.set(percent(a.connected_permille[FIRST_HOUR + n]));
        }
        self.voicemail.set(percent(a.voicemail_permille));
        self.busy.set(percent(a.busy_permille));
        self.rejected.set(percent(a.rejected_permille));
        self.failed.set(percent(a.failed_permille));
        self.answer.set(a.answer_seconds.to_string());
        self.talk.set(a.talk_seconds.to_string());
        self.message.set(a.voicemail_seconds.to_string());
    }

    /// What was typed, or every field that cannot be read. Hours that are not shown keep what they had.
    fn read(self, before: &Assumptions) -> Result<RehearsalForm, FieldErrors> {
        let mut problems = FieldErrors::new();
        let mut need = |field: &str, value: Option<i32>| {
            value.unwrap_or_else(|| {
                problems.insert(field.to_owned(), "Enter a number.".to_owned());
                0
            })
        };
        let whole = |typed: RwSignal<String>| typed.get_untracked().trim().parse().ok();
        let share = |typed: RwSignal<String>| permille(&typed.get_untracked());
        let mut connected_permille = before.connected_permille;
        for (n, typed) in self.connected.into_iter().enumerate() {
            connected_permille[FIRST_HOUR + n] = need("connected_permille", share(typed));
        }
        let form = RehearsalForm {
            assumptions: Assumptions {
                connected_permille,
                voicemail_permille: need("voicemail_permille", share(self.voicemail)),
                busy_permille: need("busy_permille", share(self.busy)),
                rejected_permille: need("rejected_permille", share(self.rejected)),
                failed_permille: need("failed_permille", share(self.failed)),
                answer_seconds: need("answer_seconds", whole(self.answer)),
                talk_seconds: need("talk_seconds", whole(self.talk)),
                voicemail_seconds: need("voicemail_seconds", whole(self.message)),
            },
            runs: need("runs", whole(self.runs)),
            seed: RehearsalForm::default().seed,
            concurrency_max: if self.lines.get_untracked().trim().is_empty() {
                None
            } else {
                Some(need("concurrency_max", whole(self.lines)))
            },
        };
        if let Err(Error::Invalid { fields }) = form.check() {
            for (field, problem) in fields {
                problems.entry(field).or_insert(problem);
            }
        }
        if problems.is_empty() { Ok(form) } else { Err(problems) }
    }
}

/// `17` from 170, `17.5` from 175.
pub(super) fn percent(permille: i32) -> String {
    if permille % 10 == 0 { (permille / 10).to_string() } else { format!("{}.{}", permille / 10, permille % 10) }
}

/// 175 from `17.5`; more than one decimal is cut off.
pub(super) fn permille(text: &str) -> Option<i32> {
    let (whole, tenth) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let tenth = if tenth.is_empty() { 0 } else { tenth.get(..1)?.parse::<u8>().ok()? };
    i32::from(whole.parse::<u16>().ok()?).checked_mul(10)?.checked_add(tenth.into())
}

/// Edits the numbers and plays. `used` is what the latest report was played with.
#[component]
pub fn RehearsalDialog(
    id: CampaignId,
    open: RwSignal<bool>,
    used: RwSignal<Option<RehearsalForm>>,
    changed: RwSignal<u32>,
) -> impl IntoView {
    let typed = Typed::new();
    let toasts = use_toasts();
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let given = RwSignal::new(None::<Result<Given, Error>>);
    let ask = Callback::new(move |()| {
        given.set(None);
        leptos::task::spawn_local(async move {
            let answer = given_rehearsal(id).await;
            if let Ok(known) = &answer {
                let fresh = RehearsalForm { assumptions: known.assumptions.clone(), ..RehearsalForm::default() };
                typed.load(&used.try_get_untracked().flatten().unwrap_or(fresh));
            }
            // The page may have been left since.
            given.try_set(Some(answer));
        });
    });
    Effect::new(move |_| {
        if open.get() {
            refused.set(None);
            ask.run(());
        }
    });
    let run = move |_| {
        let Some(Ok(known)) = given.get_untracked() else { return };
        let form = match typed.read(&known.assumptions) {
            Ok(form) => form,
            Err(problems) => return typed.errors.set(problems),
        };
        typed.errors.set(FieldErrors::new());
        refused.set(None);
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = run_rehearsal(id, form).await;
            busy.try_set(false);
            match answer {
                Ok(report) => {
                    toasts.success(format!("Played {} times", report.runs));
                    open.try_set(false);
                    changed.try_update(|n| *n += 1);
                }
                Err(Error::Invalid { fields }) => drop(typed.errors.try_set(fields)),
                Err(error) => drop(refused.try_set(Some(error.to_string()))),
            }
        });
    };
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| open.set(false)>"Close"</Button>
            <Button icon=icondata::LuClapperboard busy=busy on:click=run>"Rehearse"</Button>
        }
    };
    view! {
        <Dialog
            open=open
            id="rehearsal"
            title="Rehearse this campaign"
            description="Your list, rules and credits against modelled phones. Nobody is called."
            size=DialogSize::Large
            foot=foot
            sticky=true
        >
            {move || match given.get() {
                None => view! { <SkeletonText lines=8/> },
                Some(Err(error)) => failed(&error, "the numbers", ask),
                Some(Ok(known)) => fields(typed, known),
            }}
            {move || refused.get().map(|text| view! { <Note tone=Tone::Danger live=true class="mt-4">{text}</Note> })}
        </Dialog>
    }
}

fn error(typed: Typed, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || typed.errors.with(|errors| errors.get(field).cloned()))
}

fn number(typed: Typed, label: &'static str, name: &'static str, hint: &'static str, bind: RwSignal<String>) -> AnyView {
    view! {
        <Field label=label name=name hint=hint error=error(typed, name)>
            <Input inputmode="decimal" autocomplete="off" bind=bind/>
        </Field>
    }
}

fn fields(typed: Typed, known: Given) -> AnyView {
    let from = match known.source {
        Source::Own => format!("Your last 90 days, {} calls", grouped(known.calls)),
        Source::Norms => "Published norms: you have too few calls of your own yet".to_owned(),
    };
    let pace = grouped(known.assumptions.calls_per_hour(known.concurrency_max, known.ring_seconds_max));
    let at_once = format!("Empty: {}, about {pace} calls an hour.", known.concurrency_max);
    let assumptions = known.assumptions;
    let reset = move |_| typed.assume(&assumptions);
    let by_hour = (0..HOURS)
        .map(|n| {
            let hour = FIRST_HOUR + n;
            view! {
                <label class="flex flex-col gap-1 text-xs">
                    <span class="text-muted-foreground">{format!("{hour:02}:00")}</span>
                    <Input inputmode="decimal" autocomplete="off" size=Size::Small class="tabular-nums" id=format!("f-hour-{hour}")
                        label=format!("Percent answered by a person from {hour} o’clock") bind=typed.connected[n]/>
                </label>
            }
        })
        .collect_view();
    let problem = error(typed, "connected_permille");
    view! {
        <div class="flex flex-col gap-6">
            <Note icon=icondata::LuChartLine>
                <div class="flex flex-wrap items-center justify-between gap-3">
                    <span>{from}</span>
                    <Button variant=Variant::Outline size=Size::Small on:click=reset>"Use these numbers"</Button>
                </div>
            </Note>
            <fieldset>
                <legend class="label mb-2">"Answered by a person, % of calls by local hour"</legend>
                <div class="grid grid-cols-4 gap-3 sm:grid-cols-7">{by_hour}</div>
                {move || problem.get().map(|text| view! { <p class="error mt-2" role="alert">{text}</p> })}
            </fieldset>
            <div class="grid items-start gap-4 sm:grid-cols-2 lg:grid-cols-4">
                {number(typed, "Voicemail, %", "voicemail_permille", "Of answered calls.", typed.voicemail)}
                {number(typed, "Busy, %", "busy_permille", "Of all calls.", typed.busy)}
                {number(typed, "Rejected, %", "rejected_permille", "Of all calls.", typed.rejected)}
                {number(typed, "Failed, %", "failed_permille", "Of all calls.", typed.failed)}
                {number(typed, "Rings for, seconds", "answer_seconds", "Until a person answers.", typed.answer)}
                {number(typed, "Talk, seconds", "talk_seconds", "With a person, on average.", typed.talk)}
                {number(typed, "Message, seconds", "voicemail_seconds", "On a machine.", typed.message)}
                {number(typed, "Runs", "runs", "Up to 100.", typed.runs)}
            </div>
            <Field label="Calls at once to try" name="concurrency_max" optional=true hint=at_once error=error(typed, "concurrency_max")>
                <Input inputmode="numeric" autocomplete="off" bind=typed.lines/>
            </Field>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_survive_the_editor() {
        for share in [0, 5, 10, 175, 200, 1000] {
            assert_eq!(permille(&percent(share)), Some(share));
        }
        assert_eq!(permille("17.59"), Some(175));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "x", "-1", "1.x", "1e3", "99999"] {
            assert_eq!(permille(text), None, "{text}");
        }
    }
}
