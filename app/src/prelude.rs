//! What every page begins with: Leptos, with a `view!` that is erased where it is written. Otherwise each shape of markup is a
//! type of its own, and everything that holds one is compiled once more for it.

pub use leptos::prelude::*;

/// Leptos' `view!`, as an [`AnyView`].
macro_rules! view {
    ($($markup:tt)*) => { $crate::prelude::IntoAny::into_any(::leptos::prelude::view! { $($markup)* }) };
}
pub(crate) use view;
