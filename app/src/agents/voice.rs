//! Listening to an agent before anybody else does: a script with its sample names, said by a voice of the company's own
//! account, or by the browser where there is none.

use js_sys::{Function, Reflect};
use model::Error;
use model::agents::{ScriptPart, Spoken, VoiceList, VoiceRow};
use model::id::{AgentId, GatewayId};
use wasm_bindgen::{JsCast, JsValue};

use super::editor::{Typed, said};
use crate::prelude::*;
use crate::screen::failed;
use crate::ui::{Button, Dialog, Field, Note, Opt, Select, SkeletonText, Tone, Variant, use_toasts};
use crate::wire::{Change, Late};

/// The voices of the company's accounts.
#[server(protocol = crate::wire::Wire)]
pub async fn list_voices() -> Result<VoiceList, Error> {
    use crate::ssr::*;
    let network = network()?;
    Ok(services::speech::voices(&db()?, &network, &caller()?.actor).await?)
}

/// Speaks a text; the answer is a link that plays it.
#[server(protocol = crate::wire::Wire)]
pub async fn preview_voice(wanted: Spoken) -> Result<String, Error> {
    use crate::ssr::*;
    let network = network()?;
    Ok(services::speech::preview(&db()?, &network, &caller()?.actor, &wanted).await?)
}

/// Gives the draft of an agent another voice.
#[server(protocol = crate::wire::Wire)]
pub async fn choose_voice(id: AgentId, gateway: Option<GatewayId>, voice: String, name: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::choose_voice(&mut tx, id, gateway, &voice, &name).await?;
    tx.commit().await?;
    Ok(())
}

/// What separates an account from a voice in the value of a choice.
const BETWEEN: char = '/';

/// A button that opens the dialog, and the dialog.
#[component]
pub(super) fn VoiceDialog(id: AgentId, typed: Typed, editable: Signal<bool>, changed: RwSignal<u32>) -> impl IntoView {
    let open = RwSignal::new(false);
    let shown = move || editable.get().then(|| body(id, typed, changed, open));
    view! {
        <Show when=move || editable.get()>
            <Button variant=Variant::Outline icon=icondata::LuVolume2 on:click=move |_| open.set(true)>"Listen…"</Button>
        </Show>
        <Dialog
            open=open
            id="voice-preview"
            title="Listen to the agent"
            description="A script as the sample person would hear it, with what you have typed so far."
        >
            {move || shown()}
        </Dialog>
    }
}

/// Exists only while the dialog is open, so it asks for voices when it opens.
fn body(id: AgentId, typed: Typed, changed: RwSignal<u32>, open: RwSignal<bool>) -> AnyView {
    let voices = Late::new(|| Some(ListVoices {}));
    let part = RwSignal::new(ScriptPart::Greeting.as_str().to_owned());
    let text = Signal::derive(move || {
        let part = part.with(|word| word.parse().unwrap_or(ScriptPart::Greeting));
        let script = match part {
            ScriptPart::Greeting => typed.greeting,
            ScriptPart::Main => typed.main,
            ScriptPart::Voicemail => typed.voicemail,
            ScriptPart::Closing => typed.closing,
        };
        said(&script.get(), &typed.name.get(), [""; 2])
    });
    let parts: Vec<Opt> = ScriptPart::ALL.iter().map(|part| Opt::new(part.as_str(), part.label())).collect();
    let (keep, wanted) = (Change::new::<ChooseVoice>(), StoredValue::new(None::<VoiceRow>));
    let choose = Callback::new(move |row: Option<VoiceRow>| {
        wanted.set_value(row.clone());
        let (gateway, voice, name) = row.map_or_else(Default::default, |row| (Some(row.gateway), row.id, row.name));
        keep.ask(&ChooseVoice { id, gateway, voice, name });
    });
    let toasts = use_toasts();
    Effect::new(move |_| {
        if !keep.done() {
            return;
        }
        let (gateway, voice, name) =
            wanted.get_value().map_or_else(Default::default, |row| (row.gateway.to_string(), row.id, row.name));
        let what = if name.is_empty() { "The telephone provider's own".to_owned() } else { name.clone() };
        toasts.success(format!("{what} is the voice of the draft. Callers hear it once you publish."));
        typed.voice_gateway.set(gateway);
        typed.voice_id.set(voice);
        typed.read_by.set(name);
        changed.update(|n| *n += 1);
        open.set(false);
    });
    let give_back = move || {
        (typed.voice_id.with(|voice| !voice.is_empty())).then(|| view! {
        <p class="text-sm text-muted-foreground">
            "The draft has a voice of its own. "
            <Button variant=Variant::Ghost busy=keep.pending() on:click=move |_| choose.run(None)>"Use the telephone provider's voice"</Button>
        </p>
    })
    };
    let speaker = move || match voices.get() {
        None => view! { <SkeletonText lines=3/> }.into_any(),
        Some(Err(error)) => failed(&error, "the voices", Callback::new(move |()| voices.refetch())),
        Some(Ok(list)) if list.voices.is_empty() => by_browser(list, text, typed),
        Some(Ok(list)) => view! { <ByAccount list=list text=text typed=typed choose=choose busy=keep.pending()/> }.into_any(),
    };
    view! {
        <div class="flex flex-col gap-4">
            <Field label="Script" name="preview-part"><Select options=parts bind=part/></Field>
            <p class="rounded-lg border bg-muted/60 px-3.5 py-2.5 text-sm wrap-anywhere whitespace-pre-wrap" lang=move || typed.language.get()>
                {move || if text.with(|text| text.trim().is_empty()) { "Nothing is said.".to_owned() } else { text.get() }}
            </p>
            {speaker}
            {told(keep.error())}
            {give_back}
        </div>
    }
    .into_any()
}

fn told(problem: Signal<Option<Error>>) -> impl Fn() -> Option<AnyView> + Copy + Send + Sync {
    move || problem.get().map(|error| view! { <Note tone=Tone::Danger live=true>{error.to_string()}</Note> })
}

fn problems(list: Vec<String>) -> AnyView {
    list.into_iter().map(|problem| view! { <Note tone=Tone::Warning>{problem}</Note> }).collect_view().into_any()
}

fn by_browser(list: VoiceList, text: Signal<String>, typed: Typed) -> AnyView {
    let problem = RwSignal::new(false);
    on_cleanup(hush);
    let why = match list.speaks {
        true => "No voice of your ElevenLabs gateway can be had right now.",
        false => "No ElevenLabs gateway is connected.",
    };
    let play = move |_| problem.set(speak_here(&text.get_untracked(), &typed.language.get_untracked()).is_err());
    view! {
        {problems(list.problems)}
        <Note tone=Tone::Info>
            {why} " This browser speaks the text in a voice of its own. Callers hear another one: the voice of your telephone provider."
        </Note>
        <Show when=move || problem.get()><Note tone=Tone::Danger live=true>"This browser does not speak."</Note></Show>
        <div class="flex gap-2">
            <Button icon=icondata::LuPlay on:click=play>"Play in this browser"</Button>
            <Button variant=Variant::Outline icon=icondata::LuSquare on:click=move |_| hush()>"Stop"</Button>
        </div>
    }
    .into_any()
}

/// The browser's own speech, looked up by name: there is none in some.
fn synthesis() -> Result<(JsValue, JsValue), JsValue> {
    let window: JsValue = window().into();
    let synthesis = Reflect::get(&window, &"speechSynthesis".into())?;
    if synthesis.is_undefined() { Err(window) } else { Ok((window, synthesis)) }
}

fn call(on: &JsValue, method: &str, arguments: &js_sys::Array) -> Result<JsValue, JsValue> {
    Reflect::get(on, &method.into())?.dyn_into::<Function>()?.apply(on, arguments)
}

fn speak_here(text: &str, language: &str) -> Result<(), JsValue> {
    let (window, synthesis) = synthesis()?;
    let kind: Function = Reflect::get(&window, &"SpeechSynthesisUtterance".into())?.dyn_into()?;
    let said = Reflect::construct(&kind, &js_sys::Array::of1(&text.into()))?;
    Reflect::set(&said, &"lang".into(), &language.into())?;
    call(&synthesis, "cancel", &js_sys::Array::new())?;
    call(&synthesis, "speak", &js_sys::Array::of1(&said))?;
    Ok(())
}

fn hush() {
    if let Ok((_, synthesis)) = synthesis() {
        // Nobody is told: silence is what was wanted.
        let _ = call(&synthesis, "cancel", &js_sys::Array::new());
    }
}

fn choice(row: &VoiceRow) -> String {
    format!("{}{BETWEEN}{}", row.gateway, row.id)
}

fn option(row: &VoiceRow) -> Opt {
    let label = if row.about.is_empty() { row.name.clone() } else { format!("{} ({})", row.name, row.about) };
    Opt::new(choice(row), label)
}

#[component]
fn ByAccount(
    list: VoiceList,
    text: Signal<String>,
    typed: Typed,
    choose: Callback<Option<VoiceRow>>,
    busy: Signal<bool>,
) -> impl IntoView {
    let now = format!("{}{BETWEEN}{}", typed.voice_gateway.get_untracked(), typed.voice_id.get_untracked());
    let first = list.voices.iter().map(choice).find(|value| *value == now).or_else(|| list.voices.first().map(choice));
    let chosen = RwSignal::new(first.unwrap_or_default());
    let options: Vec<Opt> = list.voices.iter().map(option).collect();
    let notes = problems(list.problems);
    let rows = StoredValue::new(list.voices);
    let row = move || rows.with_value(|rows| rows.iter().find(|row| chosen.with(|value| choice(row) == *value)).cloned());
    let speak = Change::new::<PreviewVoice>();
    let play = move |_| {
        if let Some(row) = row() {
            let language = typed.language.get_untracked();
            speak.ask(&PreviewVoice {
                wanted: Spoken { gateway: row.gateway, voice: row.id, language, text: text.get_untracked() },
            });
        }
    };
    let use_it = move |_| {
        if let Some(row) = row() {
            choose.run(Some(row));
        }
    };
    // The same text has the same link; another end of it makes the browser play again.
    let played = StoredValue::new(0_u32);
    let sound = move || {
        speak.answer::<String>().and_then(Result::ok).map(|link| {
            played.update_value(|n| *n += 1);
            let link = format!("{link}#{}", played.get_value());
            view! {
                <audio class="w-full" controls=true autoplay=true src=link aria-label="The script, spoken"></audio>
            }
        })
    };
    view! {
        {notes}
        <Field label="Voice" name="preview-voice" hint="Calls through a provider that reads scripts out, like Twilio, play this voice instead.">
            <Select options=options bind=chosen/>
        </Field>
        {told(speak.error())}
        {sound}
        <div class="flex flex-wrap gap-2">
            <Button icon=icondata::LuPlay busy=speak.pending() on:click=play>"Play"</Button>
            <Button variant=Variant::Outline busy=busy on:click=use_it>"Use this voice"</Button>
        </div>
    }
}
