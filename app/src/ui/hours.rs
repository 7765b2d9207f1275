//! The week's opening hours: one row a day with a toggle and one to three windows. Plain inputs with names, so the form works
//! before hydration; the bar shows the windows at a glance.

use serde::{Deserialize, Serialize};

use super::{Button, IconButton, Size, Variant};
use crate::prelude::*;

/// Monday first, as in the model.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The bar shows 6:00 to 22:00; hours outside it are drawn at its edges.
const BAR_FROM: i32 = 6 * 60;
const BAR_MINUTES: i32 = 16 * 60;

/// Windows a day may have here: a long lunch, a prayer, an evening shift.
const WINDOWS_MAX: usize = 3;

/// From and to in local wall-clock time, as `HH:MM`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    pub from: String,
    pub to: String,
}

impl Span {
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into() }
    }
    /// Minutes since midnight of both ends, if they read as times in this order.
    fn minutes(&self) -> Option<(i32, i32)> {
        let parse = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            Some(hour.parse::<i32>().ok()? * 60 + minute.get(..2)?.parse::<i32>().ok()?)
        };
        Some((parse(&self.from)?, parse(&self.to)?)).filter(|(from, to)| from < to)
    }
    fn bar_style(&self) -> Option<String> {
        let (from, to) = self.minutes()?;
        let at = |minute: i32| f64::from((minute - BAR_FROM).clamp(0, BAR_MINUTES)) * 100.0 / f64::from(BAR_MINUTES);
        Some(format!("inset-inline-start:{:.2}%;width:{:.2}%", at(from), at(to) - at(from)))
    }
}

/// One day of the week, as a form sends it: an unchecked box is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayHours {
    pub open: bool,
    pub windows: Vec<Span>,
}

impl DayHours {
    pub fn open(windows: Vec<Span>) -> Self {
        Self { open: true, windows }
    }
    /// Closed; the times are what the day starts with when it is opened.
    pub fn closed() -> Self {
        Self { open: false, windows: vec![Span::new("09:00", "17:00")] }
    }
    /// Minutes open, or why they cannot be told.
    fn minutes(&self) -> Result<i32, &'static str> {
        let mut sum = 0;
        let mut last = 0;
        for window in &self.windows {
            let (from, to) = window.minutes().ok_or("Ends before it starts")?;
            if from < last {
                return Err("Windows overlap");
            }
            (last, sum) = (to, sum + to - from);
        }
        Ok(sum)
    }
    fn is_wrong(&self) -> bool {
        self.open && self.minutes().is_err()
    }
    /// "9 h", "7 h 30", or why not.
    fn length(&self) -> String {
        if !self.open {
            return "Closed".into();
        }
        match self.minutes() {
            Ok(sum) if sum % 60 == 0 => format!("{} h", sum / 60),
            Ok(sum) => format!("{} h {:02}", sum / 60, sum % 60),
            Err(why) => why.into(),
        }
    }
    /// One more window after the last, or a break in the middle of the only one.
    fn split(&mut self) {
        let clock = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        match self.windows.last().and_then(Span::minutes) {
            Some((from, to)) if to - from >= 120 => {
                let noon = (from + to) / 2 / 30 * 30;
                self.windows.pop();
                self.windows.extend([Span::new(clock(from), clock(noon)), Span::new(clock(noon + 30), clock(to))]);
            }
            _ => self.windows.push(Span::default()),
        }
    }
}

/// Seven rows bound to `days` (Monday first; always seven). With `name`, each row sends `name[i][open]` and
/// `name[i][windows][j][from|to]`.
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
    let windows = Memo::new(move |_| day.with(|day| day.windows.len()));
    let row = Row { i, days, day, name: (!name.is_empty()).then(|| format!("{name}[{i}]")) };
    let open = row.name.as_ref().map(|name| format!("{name}[open]"));
    let times = {
        let row = row.clone();
        move || (0..windows.get()).map(|j| window(&row, j)).collect_view()
    };
    view! {
        <div class="hours-row" class:closed=move || !day.with(|day| day.open) class:wrong=move || day.with(DayHours::is_wrong)>
            <label class="flex items-center gap-2.5 text-sm">
                <input class="check" type="checkbox" name=open value="true" checked=day.get_untracked().open
                    prop:checked=move || day.with(|day| day.open)
                    on:change=move |event| row.edit(|day| day.open = event_target_checked(&event))/>
                {DAYS[i]}
            </label>
            <div class="flex flex-col gap-1.5 max-md:col-span-2 max-md:row-start-2">{times}</div>
            <div class="hours-bar" aria-hidden="true">
                {move || day.with(|day| {
                    let bars = day.windows.iter().filter(|_| day.open).filter_map(Span::bar_style);
                    bars.map(|style| view! { <i style=style></i> }).collect_view()
                })}
            </div>
            <span class="hours-length">{move || day.with(DayHours::length)}</span>
        </div>
    }
}

#[derive(Clone)]
struct Row {
    i: usize,
    days: RwSignal<Vec<DayHours>>,
    day: Memo<DayHours>,
    name: Option<String>,
}

impl Row {
    fn edit(&self, edit: impl FnOnce(&mut DayHours)) {
        self.days.update(|days| {
            if let Some(day) = days.get_mut(self.i) {
                edit(day);
            }
        });
    }
}

/// From, to, and a button: after the first window to add one, after the others to take it away.
fn window(row: &Row, j: usize) -> AnyView {
    let (day, weekday) = (row.day, DAYS[row.i]);
    let which = if j == 0 { String::new() } else { format!(" {}", j + 1) };
    let time = |what: &'static str, read: fn(&Span) -> &String, write: fn(&mut Span) -> &mut String| {
        let row = row.clone();
        let name = row.name.as_ref().map(|name| format!("{name}[windows][{j}][{what}]"));
        let value = move || day.with(|day| day.windows.get(j).map(read).cloned().unwrap_or_default());
        let input = move |event| {
            let text = event_target_value(&event);
            row.edit(|day| {
                if let Some(window) = day.windows.get_mut(j) {
                    *write(window) = text;
                }
            });
        };
        view! {
            <input
                class="input input-sm tabular-nums"
                type="time"
                name=name
                value=value()
                prop:value=value
                readonly=move || !day.with(|day| day.open)
                aria-label=format!("{weekday} {what}{which}")
                on:input=input
            />
        }
    };
    let button = {
        let row = row.clone();
        if j == 0 {
            let full = Signal::derive(move || day.with(|day| day.windows.len() >= WINDOWS_MAX));
            view! {
                <IconButton label=format!("Add a break on {weekday}") icon=icondata::LuPlus size=Size::Small disabled=full
                    on:click=move |_| row.edit(DayHours::split)/>
            }
        } else {
            view! {
                <IconButton label=format!("Remove window {} of {weekday}", j + 1) icon=icondata::LuX size=Size::Small
                    on:click=move |_| row.edit(|day| drop(day.windows.remove(j)))/>
            }
        }
    };
    view! {
        <div class="hours-times">
            {time("from", |window| &window.from, |window| &mut window.from)}
            <span class="text-muted-foreground" aria-hidden="true">"–"</span>
            {time("to", |window| &window.to, |window| &mut window.to)}
            {button}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(windows: &[(&str, &str)]) -> DayHours {
        DayHours::open(windows.iter().map(|(from, to)| Span::new(*from, *to)).collect())
    }

    #[test]
    fn a_day_says_how_long_it_is_or_why_it_is_not() {
        assert_eq!(day(&[("09:00", "18:00")]).length(), "9 h");
        assert_eq!(day(&[("09:00", "16:05")]).length(), "7 h 05");
        assert_eq!(day(&[("09:00", "12:00"), ("13:30", "18:00")]).length(), "7 h 30");
        assert_eq!(day(&[("18:00", "09:00")]).length(), "Ends before it starts");
        assert_eq!(day(&[("", "09:00")]).length(), "Ends before it starts");
        assert_eq!(day(&[("09:00", "14:00"), ("13:30", "18:00")]).length(), "Windows overlap");
        assert_eq!(DayHours::closed().length(), "Closed");
    }

    #[test]
    fn a_break_is_made_in_the_middle_and_after_a_short_window_comes_an_empty_one() {
        let mut long = day(&[("09:00", "18:00")]);
        long.split();
        assert_eq!(long, day(&[("09:00", "13:30"), ("14:00", "18:00")]));
        let mut short = day(&[("09:00", "10:00")]);
        short.split();
        assert_eq!(short, day(&[("09:00", "10:00"), ("", "")]));
    }
}
