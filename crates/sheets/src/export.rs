//! Cells on their way out and back: what a spreadsheet program would run as a formula is made text.

use std::borrow::Cow;

/// The cell as it may stand in a CSV file. Cells that begin with `=`, `+`, `-`, `@`, a tab or the end of a line are taken for formulas
/// when such a file is opened; an apostrophe before them makes them text, and is taken off again when the file is imported.
/// (OWASP, CSV injection.)
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell as it was before [`guarded`].
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}

const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_becomes_text() {
        for cell in ["=1+1", "+971501234567", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(guarded(cell), format!("'{cell}"));
            assert_eq!(unguarded(&guarded(cell)), cell);
        }
        for cell in ["", "Ada", "1-2", "a=b", " =1", "'tis"] {
            assert_eq!((guarded(cell).as_ref(), unguarded(cell)), (cell, cell));
        }
    }
}
