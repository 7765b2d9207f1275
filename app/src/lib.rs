//! The pages of Belfry: the component library, the frame around every page, and one folder per noun.

pub mod frame;
pub mod ui;
