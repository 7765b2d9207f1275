//! The component library: shapes and behaviour, no server functions and no words of the business.
//! Looks live in `style/main.css`; a component only picks class names. Every state of each is shown at `/dev/ui` (gallery).
//!
//! Conventions: text props are `String` and empty means absent; what changes is a `Signal`; events are attached by the
//! caller (`on:click`); ids come from the caller or from a `name`, so that server and browser agree on them.

mod auth;
mod badge;
mod button;
mod card;
mod chart;
mod code;
mod dialog;
mod feedback;
mod field;
mod filter;
mod funnel;
pub mod gallery;
mod hours;
mod icon;
mod input;
mod mapper;
mod menu;
mod page;
mod stat;
mod steps;
mod table;
mod toast;
mod toggle;
mod upload;

pub use auth::{AuthLayout, AuthPoints, OrDivider};
pub use badge::{Avatar, Badge, Chip, Delta, Kbd, LiveDot, Trend, initials};
pub use button::{Button, IconButton, LinkButton, Segment, Segmented};
pub use card::{Card, Fact, Facts, Note};
pub use chart::{Chart, ChartFrame, Donut, Figure, Series, Shape};
pub use code::{CodeBlock, CopyButton};
pub use dialog::{ConfirmDialog, Dialog, DialogSize};
pub use feedback::{Empty, ErrorState, Meter, Progress, Skeleton, SkeletonRows, SkeletonText};
pub use field::{Field, FieldGroup};
pub use filter::{FilterBar, FilterSelect};
pub use funnel::{Funnel, FunnelStep};
pub use hours::{DayHours, HoursEditor, Span};
pub use icon::{Icon, Logo};
pub use input::{Input, Opt, PasswordInput, Select, Textarea};
pub use mapper::{MapperRow, MapperTable, Match};
pub use menu::{Menu, MenuItem, MenuLine, MenuLink, Tooltip};
pub use page::{Crumb, PageHeader, PageHeaderProps};
pub use stat::{Sparkline, Stat, Stats};
pub use steps::{Stepper, Tab, Tabs, Timeline, TimelineItem};
pub use table::{Cell, Column, CursorPager, LeadCell, Pager, Sort, Table, grouped};
pub use toast::{Toast, ToastHost, Toasts, provide_toasts, use_toasts};
pub use toggle::{Checkbox, Choice, RadioCards, Switch};
pub use upload::{DropZone, Picked, file_size};

use wasm_bindgen::JsCast;

use crate::prelude::*;

/// What a colour means. Which status has which tone is decided where the status lives, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Neutral,
    Primary,
    Success,
    Warning,
    Danger,
    Info,
}

impl Tone {
    /// The class that sets `--tone` and `--tone-subtle`.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "",
            Self::Primary => "tone-primary",
            Self::Success => "tone-success",
            Self::Warning => "tone-warning",
            Self::Danger => "tone-danger",
            Self::Info => "tone-info",
        }
    }

    /// The icon that goes with the tone in notes and toasts.
    pub(crate) const fn icon(self) -> icondata::Icon {
        match self {
            Self::Neutral | Self::Primary | Self::Info => icondata::LuInfo,
            Self::Success => icondata::LuCircleCheck,
            Self::Warning => icondata::LuTriangleAlert,
            Self::Danger => icondata::LuCircleAlert,
        }
    }
}

/// How loud a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    #[default]
    Primary,
    Outline,
    Secondary,
    Ghost,
    Destructive,
    Link,
}

impl Variant {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "btn-primary",
            Self::Outline => "btn-outline",
            Self::Secondary => "btn-secondary",
            Self::Ghost => "btn-ghost",
            Self::Destructive => "btn-destructive",
            Self::Link => "btn-link",
        }
    }
}

/// 36 px in forms and page heads, 32 px in bars and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    #[default]
    Normal,
    Small,
}

/// Moves focus among what matches inside an element, from where it is; from outside to the first. Not beyond the ends.
pub(crate) fn step_focus(inside: &web_sys::Element, selector: &str, forward: bool) {
    let Ok(found) = inside.query_selector_all(selector) else { return };
    let all: Vec<web_sys::Node> = (0..found.length()).filter_map(|i| found.get(i)).collect();
    let now = document().active_element();
    let here = all.iter().position(|node| now.as_ref().is_some_and(|now| node == now.as_ref()));
    let next = match here {
        Some(here) => here.saturating_add_signed(if forward { 1 } else { -1 }),
        None => 0,
    };
    if let Some(element) = all.get(next).and_then(|node| node.dyn_ref::<web_sys::HtmlElement>()) {
        // Focus is a courtesy: what is followed stays where it is.
        let _ = element.focus();
    }
}

/// Two class lists as one.
pub(crate) fn join(base: &str, extra: &str) -> String {
    match (base.is_empty(), extra.is_empty()) {
        (_, true) => base.to_owned(),
        (true, false) => extra.to_owned(),
        (false, false) => format!("{base} {extra}"),
    }
}

/// `Some` when there is text: optional text props are empty strings when absent.
pub(crate) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
