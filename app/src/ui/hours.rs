//! The week's opening hours: one row a day with a closed toggle, from and to. Plain inputs with names, so the form works
//! before hydration; the bar shows the window at a glance.

use super::{Button, Size, Variant};
use crate::prelude::*;

/// Monday first, as in the model.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The bar shows 6:00 to 22:00; hours outside it are drawn at its edges.
const BAR_FROM: i32 = 6 * 60;
const BAR_MINUTES: i32 = 16 * 60;

/// One day's window, in local wall-clock time as `HH:MM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayHours {
    pub open: bool,
    pub from: String,
    pub to: String,
}

impl DayHours {
    /// Open between two `HH:MM` times.
    pub fn open(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { open: true, from: from.into(), to: to.into() }
    }
    /// Closed; the times are what the day starts with when it is opened.
    pub fn closed() -> Self {
        Self { open: false, from: "09:00".into(), to: "17:00".into() }
    }
    /// Minutes since midnight of both ends, if they read as times.
    fn minutes(&self) -> Option<(i32, i32)> {
        let parse = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            Some(hour.parse::<i32>().ok()? * 60 + minute.get(..2)?.parse::<i32>().ok()?)
        };
        Some((parse(&self.from)?, parse(&self.to)?))
    }
    /// Open, but not from an earlier to a later time.
    fn is_wrong(&self) -> bool {
        self.open && !matches!(self.minutes(), Some((from, to)) if to > from)
    }
    /// "9 h", "7 h 30", or why not.
    fn length(&self) -> String {
        match self.minutes() {
            _ if !self.open => "Closed".into(),
            Some((from, to)) if to > from => match ((to - from) / 60, (to - from) % 60) {
                (hours, 0) => format!("{hours} h"),
                (hours, minutes) => format!("{hours} h {minutes:02}"),
            },
            _ => "Ends before it starts".into(),
        }
    }
    fn bar_style(&self) -> Option<String> {
        let (from, to) = self.minutes().filter(|(from, to)| self.open && to > from)?;
        let at = |minute: i32| f64::from((minute - BAR_FROM).clamp(0, BAR_MINUTES)) * 100.0 / f64::from(BAR_MINUTES);
        Some(format!("inset-inline-start:{:.2}%;width:{:.2}%", at(from), at(to) - at(from)))
    }
}

/// Seven rows bound to `days` (Monday first; always seven). With `name`, each row sends `name[i][open|from|to]`.
#[component]
pub fn HoursEditor(
    #[prop(into)] legend: String,
    #[prop(optional, into)] hint: String,
    days: RwSignal<Vec<DayHours>>,
    #[prop(optional, into)] name: String,
) -> impl IntoView {
    let copy_monday = move |_| {
        days.update(|days| {
            if let Some((monday, rest)) = days.split_first_mut() {
                rest.iter_mut().take(4).for_each(|day| *day = monday.clone());
            }
        });
    };
    let rows = (0..DAYS.len()).map(|i| day_row(i, days, &name)).collect_view();
    let ticks = [6, 8, 10, 12, 14, 16, 18, 20, 22].map(|hour: i32| {
        let style = format!("inset-inline-start:{:.2}%", f64::from(hour * 60 - BAR_FROM) * 100.0 / f64::from(BAR_MINUTES));
        view! { <span style=style>{hour}</span> }
    });
    view! {
        <fieldset class="min-w-0">
            <legend class="label">{legend}</legend>
            <div class="mb-3 flex flex-wrap items-start justify-between gap-3">
                <p class="hint">{hint}</p>
                <Button variant=Variant::Outline size=Size::Small class="sm:-mt-4" icon=icondata::LuCopy on:click=copy_monday>
                    "Copy Monday to weekdays"
                </Button>
            </div>
            <div class="hours">
                <div class="hours-row hours-head" aria-hidden="true">
                    <span></span>
                    <span></span>
                    <div class="hours-ticks">{ticks}</div>
                    <span class="text-end">"Hours open"</span>
                </div>
                {rows}
            </div>
        </fieldset>
    }
}

fn day_row(i: usize, days: RwSignal<Vec<DayHours>>, name: &str) -> AnyView {
    let day = Memo::new(move |_| days.with(|days| days.get(i).cloned()).unwrap_or_else(DayHours::closed));
    let field = |what: &str| (!name.is_empty()).then(|| format!("{name}[{i}][{what}]"));
    let change = move |edit: fn(&mut DayHours, String), text: String| {
        days.update(|days| {
            if let Some(day) = days.get_mut(i) {
                edit(day, text);
            }
        });
    };
    let toggle = move |event| {
        let open = event_target_checked(&event);
        days.update(|days| {
            if let Some(day) = days.get_mut(i) {
                day.open = open;
            }
        });
    };
    let start = day.get_untracked();
    let time = |what: &'static str, value: String, read: fn(&DayHours) -> String, edit: fn(&mut DayHours, String)| {
        view! {
            <input
                class="input input-sm tabular-nums"
                type="time"
                name=field(what)
                value=value
                prop:value=move || day.with(read)
                readonly=move || !day.with(|day| day.open)
                aria-label=format!("{} {what}", DAYS[i])
                on:input=move |event| change(edit, event_target_value(&event))
            />
        }
    };
    view! {
        <div class="hours-row" class:closed=move || !day.with(|day| day.open) class:wrong=move || day.with(DayHours::is_wrong)>
            <label class="flex items-center gap-2.5 text-sm">
                <input class="check" type="checkbox" name=field("open") value="true" checked=start.open
                    prop:checked=move || day.with(|day| day.open) on:change=toggle/>
                {DAYS[i]}
            </label>
            <div class="hours-times">
                {time("from", start.from, |day| day.from.clone(), |day, text| day.from = text)}
                <span class="text-muted-foreground" aria-hidden="true">"–"</span>
                {time("to", start.to, |day| day.to.clone(), |day, text| day.to = text)}
            </div>
            <div class="hours-bar" aria-hidden="true">
                {move || day.with(DayHours::bar_style).map(|style| view! { <i style=style></i> })}
            </div>
            <span class="hours-length">{move || day.with(DayHours::length)}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_says_how_long_it_is_or_why_it_is_not() {
        assert_eq!(DayHours::open("09:00", "18:00").length(), "9 h");
        assert_eq!(DayHours::open("09:00", "16:05").length(), "7 h 05");
        assert_eq!(DayHours::open("18:00", "09:00").length(), "Ends before it starts");
        assert_eq!(DayHours::open("", "09:00").length(), "Ends before it starts");
        assert_eq!(DayHours::closed().length(), "Closed");
    }
}
