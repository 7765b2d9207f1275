//! The editor of an agent: what it is, what it says, and a preview that fills in the variables while one types.

use model::agents::{Agent, SCRIPT_MAX, VARIABLES, fill};

use super::detail::SaveAgent;
use super::voice::VoiceDialog;
use super::{LANGUAGES, language};
use crate::form::{FormProblem, problem, told};
use crate::prelude::*;
use crate::screen::When;
use crate::ui::{Button, Card, Fact, Facts, Field, Input, Kbd, Opt, Select, Textarea, some};
use crate::wire::{Change, ChangeForm};

/// Fields that show their own problem.
const SHOWN: &[&str] = &["name", "role", "persona", "tone", "language", "voice", "greeting", "main", "voicemail", "closing"];
/// Around a filled-in value, to find it again for marking; no script contains them.
const MARKS: [&str; 2] = ["\u{2}", "\u{3}"];

/// What is being typed, for the preview.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    pub name: RwSignal<String>,
    pub language: RwSignal<String>,
    pub voice: RwSignal<String>,
    /// The account of the voice and its id there; empty for the provider's own voice.
    pub voice_gateway: RwSignal<String>,
    pub voice_id: RwSignal<String>,
    /// What that voice is called; its id until one is chosen here, for names are the provider's.
    pub read_by: RwSignal<String>,
    pub greeting: RwSignal<String>,
    pub main: RwSignal<String>,
    pub voicemail: RwSignal<String>,
    pub closing: RwSignal<String>,
}

/// Form and preview. Without `editable` everything is read-only.
#[component]
pub fn Editor(agent: Signal<Agent>, editable: Signal<bool>, changed: RwSignal<u32>) -> impl IntoView {
    let first = agent.get_untracked();
    let form = first.form;
    let typed = Typed {
        name: RwSignal::new(form.name.clone()),
        language: RwSignal::new(form.language.clone()),
        voice: RwSignal::new(form.voice.clone()),
        voice_gateway: RwSignal::new(form.voice_gateway.map(|id| id.to_string()).unwrap_or_default()),
        read_by: RwSignal::new(form.voice_id.clone()),
        voice_id: RwSignal::new(form.voice_id),
        greeting: RwSignal::new(form.scripts.greeting.clone()),
        main: RwSignal::new(form.scripts.main.clone()),
        voicemail: RwSignal::new(form.scripts.voicemail.clone()),
        closing: RwSignal::new(form.scripts.closing.clone()),
    };
    let save = Change::new::<SaveAgent>();
    let error = save.error();
    told(save, "Saved. Callers hear it once you publish.", changed);
    let read_by = move || some(typed.read_by.get()).unwrap_or_else(|| "The telephone provider’s voice".to_owned());
    let locked = Signal::derive(move || !editable.get());
    // A language we have no name for stays in the list, so that saving does not change it.
    let mut languages: Vec<Opt> = LANGUAGES.iter().map(|(tag, name)| Opt::new(*tag, *name)).collect();
    if !languages.iter().any(|known| known.value == form.language) {
        languages.push(Opt::new(form.language.clone(), language(&form.language)));
    }
    let foot = move || {
        if !editable.get() {
            return view! { <span>"Read only: your role does not change agents, or this one is archived."</span> };
        }
        view! {
            <span>"Saving keeps a draft; the published script stays until you publish."</span>
            <Button submit=true form="agent-form" busy=save.pending()>"Save"</Button>
        }
    };
    view! {
        <div class="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
            <ChangeForm change=save attr:id="agent-form" attr:class="flex min-w-0 flex-col gap-6">
                <input type="hidden" name="id" value=first.id.to_string()/>
                <input type="hidden" name="form[voice_gateway]" prop:value=typed.voice_gateway value=typed.voice_gateway.get_untracked()/>
                <input type="hidden" name="form[voice_id]" prop:value=typed.voice_id value=typed.voice_id.get_untracked()/>
                <FormProblem error=error fields=SHOWN/>
                <Card title="Who it is">
                    <div class="grid items-start gap-4 sm:grid-cols-2">
                        <Field label="Name" name="form[name]" error=problem(error, "name")>
                            <Input bind=typed.name maxlength=80 disabled=locked autocomplete="off"/>
                        </Field>
                        <Field label="Role" name="form[role]" error=problem(error, "role")>
                            <Input value=form.role maxlength=120 disabled=locked autocomplete="off"/>
                        </Field>
                        <Field label="Language" name="form[language]" error=problem(error, "language")>
                            <Select options=languages bind=typed.language disabled=locked/>
                        </Field>
                        <Field label="Voice" name="form[voice]" optional=true hint="Its name at Retell or ElevenLabs. Where scripts are read out, Listen chooses one." error=problem(error, "voice")>
                            <Input bind=typed.voice maxlength=80 disabled=locked autocomplete="off"/>
                        </Field>
                        <Field label="Tone" name="form[tone]" optional=true class="sm:col-span-2" error=problem(error, "tone")>
                            <Input value=form.tone maxlength=200 disabled=locked autocomplete="off"/>
                        </Field>
                        <Field label="Persona" name="form[persona]" optional=true class="sm:col-span-2" error=problem(error, "persona")>
                            <Textarea value=form.persona rows=3 maxlength=2000 disabled=locked/>
                        </Field>
                    </div>
                </Card>
                <Card title="What it says" scope="Words in double braces are filled in per contact" foot=foot>
                    <div class="flex flex-col gap-4">
                        <p class="flex flex-wrap items-center gap-2 text-sm text-muted-foreground">
                            "Variables:" {VARIABLES.iter().map(|(name, _)| view! { <Kbd key=format!("{{{{{name}}}}}")/> }).collect_view()}
                        </p>
                        {script("Greeting", "greeting", "The first words. Say that it is an AI assistant, and for whom it calls.", typed.greeting, locked, problem(error, "greeting"), false)}
                        {script("Main", "main", "What it calls about. Name a key to press to be left alone: 9.", typed.main, locked, problem(error, "main"), false)}
                        {script("Voicemail", "voicemail", "Left once when a machine answers.", typed.voicemail, locked, problem(error, "voicemail"), true)}
                        {script("Closing", "closing", "The last words.", typed.closing, locked, problem(error, "closing"), true)}
                    </div>
                </Card>
            </ChangeForm>
            <div class="flex min-w-0 flex-col gap-6 lg:sticky lg:top-6">
                <Preview typed=typed listen=move || view! { <VoiceDialog id=first.id typed=typed editable=editable changed=changed/> }/>
                <Card title="Details">
                    {move || {
                        let (version, updated_at) = agent.with(|a| (a.version, a.updated_at));
                        view! {
                            <Facts>
                                <Fact label="Published">{if version == 0 { "Never".to_owned() } else { format!("Version {version}") }}</Fact>
                                <Fact label="Last change"><When moment=updated_at/></Fact>
                                <Fact label="Read out by">{read_by}</Fact>
                            </Facts>
                        }
                    }}
                </Card>
            </div>
        </div>
    }
}

fn script(
    label: &'static str,
    field: &'static str,
    hint: &'static str,
    bind: RwSignal<String>,
    locked: Signal<bool>,
    error: Signal<Option<String>>,
    optional: bool,
) -> impl IntoView {
    let left = move || view! { <span class="hint tabular-nums">{move || format!("{} of {SCRIPT_MAX}", bind.with(|text| text.chars().count()))}</span> };
    view! {
        <Field label=label name=format!("form[scripts][{field}]") hint=hint error=error optional=optional aside=left>
            <Textarea bind=bind rows=4 disabled=locked/>
        </Field>
    }
}

/// The scripts as a sample contact would hear them.
#[component]
fn Preview(typed: Typed, #[prop(into)] listen: ViewFn) -> impl IntoView {
    let part = move |label: &'static str, text: RwSignal<String>| {
        let heard = move || heard(&text.get(), &typed.name.get());
        view! {
            <div>
                <h3 class="mb-1 text-xs font-medium text-muted-foreground">{label}</h3>
                <p class="rounded-lg border bg-muted/60 px-3.5 py-2.5 text-sm wrap-anywhere whitespace-pre-wrap" lang=move || typed.language.get()>{move || heard()}</p>
            </div>
        }
    };
    view! {
        <Card title="Preview" scope="As Maya at Harbor & Pine Realty would hear it">
            <div class="flex flex-col gap-3">
                {part("Greeting", typed.greeting)}
                {part("Main", typed.main)}
                {part("Voicemail", typed.voicemail)}
                {part("Closing", typed.closing)}
                {listen.run()}
            </div>
        </Card>
    }
}

/// A script with its sample values filled in, each between two marks. Left out: what is unknown, as on a call.
pub(super) fn said(script: &str, agent: &str, marks: [&str; 2]) -> String {
    fill(script, |variable| {
        let sample = if variable == "agent" { agent } else { VARIABLES.iter().find(|(name, _)| *name == variable)?.1 };
        Some(format!("{}{sample}{}", marks[0], marks[1]))
    })
}

/// A script as it is heard, with what was filled in marked.
fn heard(script: &str, agent: &str) -> AnyView {
    let text = said(script, agent, MARKS);
    if text.trim().is_empty() {
        return view! { <span class="text-muted-foreground">"Nothing is said."</span> };
    }
    text.split(|c: char| MARKS.iter().any(|mark| mark.starts_with(c)))
        .map(str::to_owned)
        .enumerate()
        .map(|(i, piece)| {
            // Every second piece stood between the marks.
            let class = (i % 2 == 1).then_some("rounded bg-primary-subtle px-0.5 text-primary");
            view! { <span class=class>{piece}</span> }
        })
        .collect_view()
        .into_any()
}
