//! People with phones, on screen: the list and the dialog that adds and edits one.

mod form;
pub mod list;
