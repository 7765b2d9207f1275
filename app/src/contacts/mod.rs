//! People with phones, on screen: the list, one person's page, and the dialog that adds and edits one.

pub mod detail;
mod form;
pub mod list;
