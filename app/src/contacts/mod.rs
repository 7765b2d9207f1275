//! People with phones, on screen: the list, one person's page, and the dialog that adds and edits one.

pub mod detail;
#[cfg(feature = "ssr")]
pub mod erase;
mod form;
pub mod list;
