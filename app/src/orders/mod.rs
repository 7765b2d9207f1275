//! Orders on screen: the list, and one of them with its items. Plain pages.

pub mod form;
pub mod list;

use model::orders::OrderStatus;

use crate::ui::Tone;

pub(crate) const LIST: &str = "/orders";
pub(crate) const ONE: &str = "/orders/order";

pub(crate) const fn tone(status: OrderStatus) -> Tone {
    match status {
        OrderStatus::New => Tone::Info,
        OrderStatus::Confirmed => Tone::Primary,
        OrderStatus::Paid | OrderStatus::Fulfilled => Tone::Success,
        OrderStatus::Cancelled => Tone::Neutral,
        OrderStatus::Refunded => Tone::Warning,
    }
}
